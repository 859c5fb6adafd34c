import { describe } from 'node:test'
import { openWsListener } from '../../../protocol/listeners/ws-listener.ts'
import { webSocketDoor } from '../../contracts/web-socket-door.ts'

describe('WebSocket door by ws', () => {
  webSocketDoor(openWsListener)
})
