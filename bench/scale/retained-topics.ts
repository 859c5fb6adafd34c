/** Topics of the retained messages, and filters that match all, few and one of them. */
const SITES = 1000
const GATEWAY_EVERY = 10_000

export function retainedTopic(i: number, count: number): string {
  if (i === count - 1) return 'site/zzzz/device/last/alarm' // behind all others, in the order of the store
  if (i % GATEWAY_EVERY === 0) return `site/gateway${i / GATEWAY_EVERY}/gateway/status`
  return `site/s${(i % SITES).toString().padStart(4, '0')}/device/d${i.toString().padStart(7, '0')}/state`
}

export interface Take {
  readonly name: string
  readonly filter: string
  readonly expected: number
}

export function takesOf(count: number): readonly Take[] {
  return [
    { name: 'all', filter: '#', expected: count },
    {
      name: 'few',
      filter: 'site/+/gateway/status',
      expected: Math.ceil((count - 1) / GATEWAY_EVERY),
    },
    { name: 'last', filter: 'site/+/device/+/alarm', expected: 1 },
  ]
}
