import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DirectoryHouse, sharedDirectoryNumbers } from './shared-directory-house.ts'

describe('client identifiers over several shards', () => {
  it('have one holder, on whatever shards their connections land', () => {
    const house = new DirectoryHouse(3)
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const said: string[][] = []
      for (const shard of [0, 1, 2, 0, 2]) {
        said.push(house.claim(shard, name))
        house.group.settle()
      }
      assert.deepEqual(said.pop(), ['granted'], name)
      for (const one of said) assert.deepEqual(one, ['granted', 'taken over'], name)
    }
  })

  it('let one of several that come at once win, and close the others', () => {
    const house = new DirectoryHouse(3)
    for (let round = 0; round < 50; round++) {
      const said = [0, 1, 2, 1, 0].map((shard) => house.claim(shard, `client-${round % 4}`))
      house.group.settle()
      const holders = said.filter((one) => one.at(-1) === 'granted')
      assert.equal(holders.length, 1, JSON.stringify(said))
      for (const one of said) assert.ok(one.length > 0, 'everybody is told')
    }
  })

  it('keep nothing of a client that has left, and give its number again', () => {
    const house = new DirectoryHouse(3)
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 10; i++) house.claim(i % 3, `client-${round}-${i}`)
      house.group.settle()
      house.releaseAll()
      house.group.settle()
    }
    assert.deepEqual(
      house.directories.map(({ size }) => size),
      [0, 0, 0],
    )
    assert.ok(sharedDirectoryNumbers(house).size <= 30, 'numbers are lent again')
  })

  it('are refused as busy while their directory stands still, and let in when it goes on', () => {
    const house = new DirectoryHouse(2)
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    house.group.shard(0).stalled = true
    const said = names.map((name) => house.claim(1, name))
    house.group.passSeconds(4)
    const busy = said.filter((one) => one[0] === 'busy').length
    assert.ok(busy > 0 && busy < names.length, `${busy} names belong to the other shard`)
    house.group.shard(0).stalled = false
    house.group.settle()
    const again = names.map((name) => house.claim(1, name))
    house.group.settle()
    for (const one of again) assert.equal(one[0], 'granted')
  })

  it('survive the death of their directory: a name in use keeps its number', () => {
    const house = new DirectoryHouse(3)
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const held = names.map((name) => house.claim(1, name))
    house.group.settle()
    const before = sharedDirectoryNumbers(house)
    const waiting = house.replace(0)
    const early = names.map((name) => house.claim(2, name)) // some belong to the successor
    house.group.settle()
    waiting()
    house.group.settle()
    for (const one of early) assert.deepEqual(one, ['granted'])
    for (const one of held) assert.deepEqual(one, ['granted', 'taken over'])
    assert.deepEqual(sharedDirectoryNumbers(house), before)
  })

  it('keep the number of a session that began while their directory was away', () => {
    const house = new DirectoryHouse(3)
    const names = Array.from({ length: 24 }, (_, i) => `client ${i}`)
    for (const name of names) house.claim(1, name)
    house.group.settle()
    const numbers = names.map((name) => house.directories[1]?.numberOf(name) as number)
    // What they keep is told to the directory that dies, and is not in the store yet.
    const sessions = house.sessions[1] as [string, number][]
    for (const [i, name] of names.entries()) {
      const number = numbers[i] as number
      sessions.push([name, number])
      house.directories[1]?.keep(name, number)
    }
    house.group.settle()
    const joined = house.replace(0)
    house.releaseAll()
    house.group.settle()
    joined()
    house.group.settle()
    for (const name of names.toReversed()) house.claim(1, name)
    house.group.settle()
    assert.deepEqual(
      names.map((name) => house.directories[1]?.numberOf(name)),
      numbers,
    )
  })
})
