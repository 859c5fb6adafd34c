/** What is explored: each whole in itself, small in the tests, large in the long run. */
import type { Bounds, ModelRule } from './ownership-model.ts'

const NONE: Bounds = { connects: 0, posts: 0, deaths: 0, restarts: 0, deletions: 0, data: 0 }

/** All interleavings of each take seconds. */
export const SMALL: Readonly<Record<string, Bounds>> = {
  'three connects': { ...NONE, connects: 3 },
  'two connects, a post and a kill of the process': { ...NONE, connects: 2, posts: 1, restarts: 1 },
  'two connects, a post and the death of a shard': { ...NONE, connects: 2, posts: 1, deaths: 1 },
  'two connects and a full data lane': { ...NONE, connects: 2, data: 2 },
  'two devices in turn, and a kill': { ...NONE, connects: 2, posts: 1, restarts: 1, deletions: 1 },
}

/** Minutes, and gigabytes. */
export const LARGE: Readonly<Record<string, Bounds>> = {
  'three connects, two posts and a kill': { ...NONE, connects: 3, posts: 2, restarts: 1 },
  'three connects, a post, a death and a kill': {
    ...NONE,
    connects: 3,
    posts: 1,
    deaths: 1,
    restarts: 1,
  },
}

/** Where each broken rule is found. */
export const FOUND_WITHIN: Readonly<Record<ModelRule, Bounds>> = {
  'empty-answer-while-waiting': { ...NONE, connects: 3 },
  'connack-before-adopt': { ...NONE, connects: 2 },
  'number-reused': { ...NONE, connects: 1, posts: 1, restarts: 1, deletions: 1 },
  'credit-blocks-control': { ...NONE, connects: 2, data: 2 },
  'no-adopt-record': { ...NONE, connects: 2, posts: 1, restarts: 1 },
  'no-checkpoint-when-a-peer-is-gone': { ...NONE, connects: 3, posts: 1, deaths: 1 },
  'withdraw-without-compare': { ...NONE, connects: 3 },
}
