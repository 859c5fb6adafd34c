/** A plain Aedes broker on 127.0.0.1:PORT with the settings it comes with, ended by SIGTERM. */
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker()
const server = createServer({ noDelay: true }, (socket) => broker.handle(socket))
server.listen(Number(process.argv[2]), '127.0.0.1')
