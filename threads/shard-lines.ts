/** The lines between shards, as the mesh uses them. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { MeshPort } from '../actors/runtime/mesh-peer.ts'

export function meshPort(port: MessagePort): MeshPort {
  return {
    postMessage: (frame, transfer) => port.postMessage(frame, transfer),
    on: (event, listener) => port.on(event, listener),
    close: () => port.close(),
    receiveNow: () => (receiveMessageOnPort(port) as { message: ArrayBuffer } | undefined)?.message,
  }
}
