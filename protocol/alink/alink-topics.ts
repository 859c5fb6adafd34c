/**
 * Which topics carry which Alink message (topics.md §2). A suffix is what follows `/sys/{pk}/{dn}/`.
 * Topics decide, never `method`, which firmware often leaves out (alink.md §1). A route is made once
 * per topic of a connection and kept by it.
 */
type AlinkRouteKind = 'property-post' | 'event-post' | 'property-set-reply' | 'service-reply'

export interface AlinkRoute {
  readonly kind: AlinkRouteKind
  /** Event or service; empty for properties. May be `block:identifier`, of another module. */
  readonly identifier: string
  /** Of the request, as its reply says it. */
  readonly method: string
  /** Where the reply goes; `undefined`: the message is a reply itself. */
  readonly replySuffix: string | undefined
}

export const PROPERTY_SET_SUFFIX = 'thing/service/property/set'
export const PROPERTY_SET_METHOD = 'thing.service.property.set'

const PROPERTY_POST: AlinkRoute = {
  kind: 'property-post',
  identifier: '',
  method: 'thing.event.property.post',
  replySuffix: 'thing/event/property/post_reply',
}
const PROPERTY_SET_REPLY: AlinkRoute = {
  kind: 'property-set-reply',
  identifier: '',
  method: PROPERTY_SET_METHOD,
  replySuffix: undefined,
}

const MEMBER = '((?:[A-Za-z0-9_]{1,50}:)?[A-Za-z0-9_]{1,50})' // tsl.md §1
const EVENT_POST = new RegExp(`^thing/event/${MEMBER}/post$`)
const SERVICE_REPLY = new RegExp(`^thing/service/${MEMBER}_reply$`)

/** @returns `undefined` for a topic that devices may not publish, or that is not supported */
export function alinkRoute(suffix: string): AlinkRoute | undefined {
  if (suffix === 'thing/event/property/post') return PROPERTY_POST
  if (suffix === 'thing/service/property/set_reply') return PROPERTY_SET_REPLY
  const event = EVENT_POST.exec(suffix)?.[1]
  if (event !== undefined) {
    return {
      kind: 'event-post',
      identifier: event,
      method: `thing.event.${event}.post`,
      replySuffix: `thing/event/${event}/post_reply`,
    }
  }
  const service = SERVICE_REPLY.exec(suffix)?.[1]
  if (service !== undefined) {
    return {
      kind: 'service-reply',
      identifier: service,
      method: serviceMethod(service),
      replySuffix: undefined,
    }
  }
  return undefined
}

export function serviceSuffix(service: string): string {
  return `thing/service/${service}`
}

export function serviceMethod(service: string): string {
  return `thing.service.${service}`
}
