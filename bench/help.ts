/** What `--help` prints. */
import { SCENARIO_IDS, SCENARIOS } from './scenarios.ts'

const scenarios = SCENARIO_IDS.map((id) => `  ${id.padEnd(22)}${SCENARIOS[id].title}`).join('\n')

export const HELP: string = `Usage: npm run bench -- WORKLOAD... [options]

Workloads
  ingest      publishers send, nobody is subscribed (QoS 1): what one uplink costs
  pairs       every publisher has one subscriber (QoS 0): what passing a message on costs
  telemetry   signed devices post Alink properties (QoS 1), Tidegate only, against its plain ingest
  connect     clients connect, subscribe to a topic of their own and stay: what one connect costs;
              for Tidegate also signed devices. Behind a first wave that is not measured

  crossing    pairs whose ends are on one shard, and on two: what it costs to cross; of tidegate-2
              and tidegate-4
  restart     how long a start takes with a million devices; has options of its own (restart --help)
  scale       a million filters, a million retained messages; has options of its own (scale --help)

Scenarios: workloads of a fixed size, with a goal for Tidegate
${scenarios}

Options
  --all            every scenario, three rounds each; saved
  --pubs N         publishers, 1 to 1000 (200)
  --subs N         subscribers of fan-in, fan-out and shared, 1 to 1000
  --qos 0|1        (ingest and telemetry 1, pairs and crossing 0)
  --payload B      bytes, 0 to 65536 (64); telemetry has its own
  --window W       messages in flight per publisher, 1 or an even number up to 1000 (40)
  --chunk K        a publisher sends once K fit into its window (10)
  --rate R         messages a second of all publishers, whatever comes back, 1 to 1000000; one a write,
                   with latencies. Without: a closed loop
  --clients N      connect and idle: 1 to 10000 (5000)
  --filters N      subscriptions of each of them in e and f, 1 to 3
  --warm S         seconds before the measured ones (2); connect: between the two waves
  --seconds S      measured seconds of a round, 0.1 to 600 (3); connect: until all are there
  --rounds R       rounds, interleaved over the servers, 1 to 50 (5; --all 3)
  --only A,B       of tidegate, mosquitto, aedes, nats-server, flashmq (all that are installed);
                   also tidegate-2 and tidegate-4: with so many shards
  --no-reply       telemetry: devices ask for no reply (sys.ack 0)
  --json           results as one JSON document a workload
  --save           results to bench/results: <date>-<commit>.json, and a page of charts (.svg)
  --compare FILE   beside those of an earlier run: its .json
  --record         append the medians to the table in bench/README.md
  --help

Sizes given here go above a scenario's own, which then has no goal.
Progress goes to stderr, results to stdout. Exit: 0 all rounds valid, 1 some were not, 2 wrong use.
bench/README.md says what each figure means.
`
