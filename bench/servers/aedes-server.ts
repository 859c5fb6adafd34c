/**
 * A plain Aedes broker on 127.0.0.1:PORT with the settings it comes with, ended by SIGTERM; over TLS where the files
 * of a certificate and its key are named behind the port.
 */
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { Aedes } from 'aedes'

const [port, certFile, keyFile] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const serve = (socket: Socket): void => void broker.handle(socket)
const server =
  certFile === undefined || keyFile === undefined
    ? createServer({ noDelay: true }, serve)
    : createSecureServer(
        { cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true },
        serve,
      )
server.listen(Number(port), '127.0.0.1')
