import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Report } from '../../bench/report.ts'
import type { ScaleReport } from '../../bench/scale/scale.ts'

const program = fileURLToPath(new URL('../../bench/run.js', import.meta.url))
const short = '--seconds 0.3 --warm 0.1 --rounds 1 --pubs 10'

describe('bench', () => {
  it('measures ingest and pairs against aedes, every message accounted for', async () => {
    const { code, stdout } = await bench(`ingest pairs --only aedes --json ${short}`)
    const reports = stdout.trim().split('\n').map(parse)
    assert.deepEqual(
      reports.map(({ workload }) => workload),
      ['ingest', 'pairs'],
    )
    for (const { summaries } of reports) {
      const [aedes] = summaries
      assert.deepEqual(aedes?.faults, [])
      assert.ok((aedes?.figures.messagesPerSec?.median ?? 0) > 0)
      if (process.platform === 'linux') {
        assert.ok((aedes?.figures.cpuUsPerMessage?.median ?? 0) > 0)
      }
    }
    assert.equal(code, 0)
  })

  it('measures connects of clients and devices, and what crossed between shards for each', async () => {
    const args =
      'connect --clients 50 --only tidegate,tidegate-2,aedes --warm 0.1 --rounds 1 --json'
    const { code, stdout } = await bench(args)
    const { unit, summaries } = parse(stdout)
    assert.equal(unit, 'connect')
    const labels = ['tidegate', 'tidegate devices', 'tidegate-2', 'tidegate-2 devices', 'aedes']
    assert.deepEqual(
      summaries.map(({ label, faults }) => ({ label, faults })),
      labels.map((label) => ({ label, faults: [] })),
    )
    for (const { figures } of summaries) {
      assert.ok((figures.connectsPerSec?.median ?? 0) > 0)
      assert.equal(figures.messagesPerSec, undefined)
    }
    const crossing = new Map(summaries.map((one) => [one.label, one.figures.crossing?.median]))
    assert.equal(crossing.get('tidegate'), 0)
    assert.ok(
      (crossing.get('tidegate-2') ?? 0) >= 1,
      'each subscription is told to the other shard',
    )
    const ofDevices = crossing.get('tidegate-2 devices') ?? Number.NaN
    assert.ok(ofDevices <= 2, 'custody of a device is asked for and given, its subscription stays')
    assert.equal(crossing.get('aedes'), undefined)
    assert.equal(code, 0)
  })

  it('measures every kind of scenario of messages, and says how much is late at a steady rate', async () => {
    const args = `a0 c sharedsub-1K-5-1K-1K g20k --subs 5 --rate 200 --only tidegate --json ${short}`
    const { code, stdout } = await bench(args)
    const reports = stdout.trim().split('\n').map(parse)
    assert.deepEqual(
      reports.map(({ workload, summaries, goals }) => [workload, summaries[0]?.faults, goals]),
      ['a0', 'c', 'sharedsub-1K-5-1K-1K', 'g20k'].map((id) => [id, [], []]),
    )
    for (const { summaries } of reports) assert.ok((summaries[0]?.figures.p50Us?.median ?? 0) > 0)
    const [fanOut] = reports[1]?.summaries ?? []
    const { messagesPerSec, publishesPerSec } = fanOut?.figures ?? {}
    const copies = (messagesPerSec?.median ?? 0) / (publishesPerSec?.median ?? 1)
    assert.ok(Math.abs(copies - 6) < 1.5, `one received and five sent, not ${copies}`)
    assert.equal(code, 0)
  })

  it('measures connects over TLS, full and resumed, and the memory of idle connections', async () => {
    const args = 'e-tls f-tls --clients 50 --only tidegate,aedes --warm 0.3 --rounds 1 --json'
    const { code, stdout } = await bench(args)
    const [storm, idle] = stdout.trim().split('\n').map(parse)
    for (const { figures, faults } of storm?.summaries ?? []) {
      assert.deepEqual(faults, [])
      assert.equal(figures.resumed?.median, 1)
      if (process.platform === 'linux') assert.ok((figures.cpuUsPerConnect?.median ?? 0) > 0)
    }
    assert.equal(storm?.summaries.length, 2)
    assert.equal(idle?.unit, 'client')
    assert.deepEqual(
      idle?.summaries.map(({ label, faults }) => [label, faults]),
      [
        ['tidegate', []],
        ['aedes', []],
      ],
    )
    if (process.platform === 'linux') {
      for (const { figures } of idle?.summaries ?? []) {
        assert.notEqual(figures.rssKibPerClient, undefined)
      }
    }
    assert.equal(code, 0)
  })

  it('prints a table for people', async () => {
    const { stdout } = await bench(`pairs --qos 1 --only aedes ${short}`)
    assert.match(stdout, /^pairs: 10 publishers, QoS 1, 64 B/)
    assert.match(stdout, /\naedes \d.* 1 of 1\n/)
  })

  it('measures the router at its size: filters in memory, retained messages on a live server', async () => {
    const args = 'scale --filters 2000 --retained 2000 --probes 2 --rate 100 --quiet 1 --json'
    const { code, stdout } = await bench(args)
    const { filters, retained } = JSON.parse(stdout) as ScaleReport
    assert.equal(filters?.filters, 2000, 'no two subscriptions are the same')
    assert.ok((filters?.heapBytesPerFilter ?? 0) > 50)
    assert.ok((filters?.visited ?? 0) > 0)
    assert.deepEqual(retained?.faults, [])
    assert.deepEqual(
      retained?.takes.map((take) => [take.filter, take.retained]),
      [
        ['#', 2000],
        ['site/+/gateway/status', 1],
        ['site/+/device/+/alarm', 1],
      ],
    )
    assert.ok((retained?.quiet.delivered.count ?? 0) >= 90)
    assert.equal(code, 0)
    assert.match((await bench('scale --help')).stdout, /--probes N/)
    assert.equal((await bench('scale --retained 1')).code, 2)
  })

  it('compares with nothing but results of this bench, and says so before it measures', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-results-'))
    t.after(() => rm(directory, { recursive: true }))
    const file = join(directory, 'other.json')
    await writeFile(file, '{"format":0}')
    for (const wrong of [file, join(directory, 'none.json')]) {
      const { code, stdout, stderr } = await bench(`b0 --compare ${wrong}`)
      assert.deepEqual([code, stdout], [2, ''])
      assert.doesNotMatch(stderr, /round/)
    }
  })

  it('explains itself on stdout, and wrong use on stderr with exit code 2', async () => {
    assert.match((await bench('--help')).stdout, /--window W/)
    for (const wrong of [
      '',
      'fan',
      'ingest --pubs 1001',
      'ingest --window 3',
      'ingest --only x',
      'connect --clients 10001',
    ]) {
      const { code, stdout, stderr } = await bench(wrong)
      assert.equal(code, 2, wrong)
      assert.equal(stdout, '')
      assert.match(stderr, /Usage:/)
    }
  })
})

function bench(args: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const argv = [program, ...args.split(' ').filter((word) => word !== '')]
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { timeout: 50_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

function parse(line: string): Report {
  return JSON.parse(line) as Report
}
