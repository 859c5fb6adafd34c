/**
 * Subscriptions as a platform of many devices has them, by number, without chance. Of a hundred: 50 of a device to a topic of its
 * own, 15 with `+` in a level, 15 with `#` at the end, 18 to exact topics of a building, one shared with a thousand
 * others; the last one is of a back end to an event of all devices of a product (of every 500th; else a room).
 */
const PRODUCTS = 50
const SHARED_BY = 1000 // subscribers of one filter

export type Shape = 'exact' | 'plus' | 'hash' | 'room' | 'shared' | 'fleet'

export function shapeOf(i: number): Shape {
  const place = i % 100
  if (place < 50) return 'exact'
  if (place < 65) return 'plus'
  if (place < 80) return 'hash'
  if (place === 99) return 'shared'
  return i % 500 === 98 ? 'fleet' : 'room'
}

export function filterOf(i: number): string {
  switch (shapeOf(i)) {
    case 'exact':
      return `${deviceOf(i)}/user/get`
    case 'plus':
      return `${deviceOf(i)}/service/+/invoke`
    case 'hash':
      return `${deviceOf(i)}/#`
    case 'room':
      return `building/${i % 500}/floor/${i % 40}/room${i}/temperature`
    case 'shared':
      return `notice/${Math.floor(i / 100 / SHARED_BY)}`
    case 'fleet':
      return `/${productOf(i)}/+/event/${i}`
  }
}

/** A topic that this filter matches, and mostly no other. */
export function topicOf(i: number): string {
  return filterOf(i).replace('+', 'any').replace('#', 'user/update')
}

/** A topic that looks like those of devices and has no subscriber. */
export function strangeTopicOf(i: number): string {
  return `/${productOf(i)}/stranger${i}/user/update`
}

function deviceOf(i: number): string {
  return `/${productOf(i)}/device${i.toString().padStart(7, '0')}`
}

function productOf(i: number): string {
  return `k1product${(i % PRODUCTS).toString().padStart(2, '0')}`
}
