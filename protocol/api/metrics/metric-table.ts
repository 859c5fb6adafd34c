/**
 * Every metric with a name of its own, and how it is read from the status. Names and units follow the
 * conventions of Prometheus: base units, counters end in `_total`. A test keeps docs/metrics.md in step.
 *
 * What shards have with each other is summed up for each shard: 64 shards have 4,032 lines.
 */
import {
  type AnsweringShard,
  answeringShards,
  isAnswering,
  type StatusReport,
} from '../../../core/domain/status.ts'

/** A value, and what the labels of its metric are, in their order. */
export type Sample = readonly [value: number, ...labels: readonly (string | number)[]]

export interface Metric {
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly labels: readonly string[]
  readonly samples: (report: StatusReport) => readonly Sample[]
}

type Line = AnsweringShard['mesh'][number]

export const METRICS: Readonly<Record<string, Metric>> = {
  tidegate_build_info: {
    type: 'gauge',
    help: 'Always 1.',
    labels: ['version', 'durability'],
    samples: ({ version, durability }) => [[1, version, durability]],
  },
  process_start_time_seconds: one('gauge', 'When the platform started, since the epoch.', (r) => {
    return r.startedAt / 1000
  }),
  process_cpu_seconds_total: one('counter', 'CPU time of all threads.', ({ cpu }) => {
    return cpu.userSec + cpu.systemSec
  }),
  process_cpu_user_seconds_total: one(
    'counter',
    'Of that outside the kernel.',
    ({ cpu }) => cpu.userSec,
  ),
  process_cpu_system_seconds_total: one('counter', 'Of that in the kernel.', ({ cpu }) => {
    return cpu.systemSec
  }),
  process_resident_memory_bytes: one('gauge', 'Resident memory.', ({ memory }) => memory.rssBytes),
  tidegate_recovery_entries: one('gauge', 'Log entries brought into the store at start.', (r) => {
    return r.recovery.entries
  }),
  tidegate_recovery_seconds: one('gauge', 'How long that took.', ({ recovery }) => {
    return recovery.tookMs / 1000
  }),
  tidegate_devices_registered: one('gauge', 'Devices that are registered.', ({ devices }) => {
    return devices.registered
  }),
  tidegate_shard_up: {
    type: 'gauge',
    help: '1 where the shard answers; 0 where it stands still or is being replaced.',
    labels: ['shard'],
    samples: ({ shards }) => shards.map((shard) => [isAnswering(shard) ? 1 : 0, shard.shard]),
  },
  tidegate_shard_restarts_total: {
    type: 'counter',
    help: 'Threads of this shard that ended and were replaced.',
    labels: ['shard'],
    samples: ({ shards }) => shards.map(({ shard, restarts }) => [restarts, shard]),
  },
  tidegate_shard_shedding: perShard('gauge', '1 while it lets nobody in.', ({ shedding }) => {
    return shedding ? 1 : 0
  }),
  tidegate_connections: perShard('gauge', 'Open sockets.', ({ connections }) => connections),
  tidegate_devices_online: perShard('gauge', 'Devices with a connection.', ({ devicesOnline }) => {
    return devicesOnline
  }),
  tidegate_messages_received_total: perShard('counter', 'PUBLISH packets from clients.', (s) => {
    return s.messagesIn
  }),
  tidegate_messages_sent_total: perShard('counter', 'PUBLISH packets to clients.', (s) => {
    return s.messagesOut
  }),
  tidegate_event_loop_lag_seconds: perShard(
    'gauge',
    'Delay of the event loop: 99th percentile since anybody asked last.',
    ({ lagMs }) => lagMs / 1000,
  ),
  tidegate_heap_used_bytes: perShard('gauge', 'JavaScript heap in use.', ({ heap }) => {
    return heap.usedBytes
  }),
  tidegate_heap_limit_bytes: perShard('gauge', 'Its limit: above 85 % load is shed.', (s) => {
    return s.heap.limitBytes
  }),
  tidegate_log_sequence: perShard('gauge', 'Newest entry of the message log.', ({ log }) => {
    return log.sequence
  }),
  tidegate_log_writes_total: perShard('counter', 'Writes to the message log.', ({ log }) => {
    return log.writes
  }),
  tidegate_log_bytes_total: perShard('counter', 'Bytes of these writes.', ({ log }) => log.bytes),
  tidegate_hand_overs_total: {
    type: 'counter',
    help: 'Devices whose custody moved between shards, and connects that did not get it.',
    labels: ['shard', 'outcome'],
    samples: (report) =>
      answeringShards(report).flatMap(({ shard, handOvers }) => [
        [handOvers.given, shard, 'given'],
        [handOvers.adopted, shard, 'adopted'],
        [handOvers.declined, shard, 'declined'],
        [handOvers.timedOut, shard, 'timed-out'],
        [handOvers.superseded, shard, 'superseded'],
      ]),
  },
  tidegate_hand_overs_waiting: perShard('gauge', 'Connects that wait for custody.', (s) => {
    return s.handOvers.waiting
  }),
  tidegate_devices_settling: perShard(
    'gauge',
    'Rows that a crash left online, still to be looked at.',
    ({ settling }) => settling,
  ),
  tidegate_mesh_frames_sent_total: perMesh(
    'counter',
    'Frames to other shards.',
    sumOf('framesOut'),
  ),
  tidegate_mesh_bytes_sent_total: perMesh('counter', 'Bytes of these frames.', sumOf('bytesOut')),
  tidegate_mesh_control_sent_total: perMesh(
    'counter',
    'Control messages in them.',
    sumOf('controlOut'),
  ),
  tidegate_mesh_data_sent_total: perMesh('counter', 'Publications in them.', sumOf('dataOut')),
  tidegate_mesh_credit_bytes: perMesh(
    'gauge',
    'What may be sent to the shard that is behind most; 0 or less: nothing.',
    (lines) => Math.min(...lines.map(({ creditBytes }) => creditBytes)),
  ),
  tidegate_mesh_waiting: perMesh('gauge', 'Senders that wait for credit.', sumOf('waiting')),
}

function one(type: Metric['type'], help: string, figure: (report: StatusReport) => number): Metric {
  return { type, help, labels: [], samples: (report) => [[figure(report)]] }
}

/** Of shards that answer. */
function perShard(
  type: Metric['type'],
  help: string,
  figure: (shard: AnsweringShard) => number,
): Metric {
  const samples: Metric['samples'] = (report) =>
    answeringShards(report).map((shard) => [figure(shard), shard.shard])
  return { type, help, labels: ['shard'], samples }
}

/** Where there are several shards. */
function perMesh(
  type: Metric['type'],
  help: string,
  figure: (lines: readonly Line[]) => number,
): Metric {
  const samples: Metric['samples'] = (report) =>
    answeringShards(report).flatMap(({ shard, mesh }) =>
      mesh.length === 0 ? [] : [[figure(mesh), shard]],
    )
  return { type, help, labels: ['shard'], samples }
}

function sumOf(figure: keyof Line): (lines: readonly Line[]) => number {
  return (lines) => lines.reduce((total, line) => total + line[figure], 0)
}
