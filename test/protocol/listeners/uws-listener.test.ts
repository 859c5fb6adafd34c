import { describe } from 'node:test'
import { openUwsListener } from '../../../protocol/listeners/uws-listener.ts'
import { loadUws, type Uws } from '../../../protocol/listeners/uws-loader.ts'
import { webSocketDoor } from '../../contracts/web-socket-door.ts'

const loaded = loadUws()
const skip = loaded === undefined && 'no build of uWebSockets.js fits this Node and glibc'

describe('WebSocket door by uWebSockets.js', { skip }, () => {
  webSocketDoor((parts) => openUwsListener(loaded?.uws as Uws, parts))
})
