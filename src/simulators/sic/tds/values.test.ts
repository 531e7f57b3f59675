import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type SqlType, type SqlValue, typeFromName } from '../sql-type.ts'
import { ByteReader, ByteWriter, ProtocolError } from './bytes.ts'
import { readValue } from './read-value.ts'
import { readTypeInfo, writeTypeInfo } from './type-info.ts'
import { writeValue } from './write-value.ts'

function typeOf(text: string): SqlType {
  const [name = '', ...sizes] = text.split(/[(),]/).filter((part) => part !== '')
  const type = typeFromName(
    name,
    sizes.map((size) => (size === 'max' ? 'max' : Number(size))),
    1,
  )
  assert.ok(type !== undefined, text)
  return type
}

function written(type: SqlType, value: SqlValue): string {
  const writer = new ByteWriter(1)
  writeValue(writer, type, value)
  return writer.finish().toString('hex')
}

function throughTheWire(type: SqlType, value: SqlValue): SqlValue {
  const writer = new ByteWriter(1)
  writeTypeInfo(writer, type)
  writeValue(writer, type, value)
  const reader = new ByteReader(writer.finish())
  const wire = readTypeInfo(reader)
  assert.deepEqual(wire.type, type)
  const read = readValue(reader, wire)
  assert.equal(reader.remaining, 0)
  return read
}

suite('bytes of values', () => {
  const cases: [type: string, value: SqlValue, bytes: string][] = [
    ['int', '-2', '04feffffff'],
    ['bigint', '1', '080100000000000000'],
    ['smallint', '-1', '02ffff'],
    ['tinyint', '200', '01c8'],
    ['bit', '1', '0101'],
    ['int', null, '00'],
    ['decimal(9,2)', '113.9', '05017e2c0000'],
    ['decimal(9,2)', '-0.01', '050001000000'],
    ['decimal(38,0)', '79228162514264337593543950336', '110100000000000000000000000001000000'],
    ['money', '1', '080000000010270000'],
    ['datetime', '1900-01-02 00:00:01', '08010000002c010000'],
    ['datetime', '2026-02-05 09:15:30.123', '08e8b30000bd929800'],
    ['date', '0001-01-02', '03010000'],
    ['datetime2(7)', '0001-01-01 00:00:00.0000001', '080100000000000000'],
    ['datetime2(0)', '0001-01-02 00:00:01', '06010000010000'],
    ['nvarchar(5)', 'é', '0200e900'],
    ['varchar(5)', 'é€', '0200e980'],
    ['varchar(5)', '漢', '01003f'],
    ['nvarchar(5)', null, 'ffff'],
    ['nvarchar(max)', 'a', '020000000000000002000000610000000000'],
    ['nvarchar(max)', '', '000000000000000000000000'],
    ['nvarchar(max)', null, 'ffffffffffffffff'],
    ['uniqueidentifier', '6f9619ff-8b86-d011-b42d-00c04fc964ff', '10ff19966f868b11d0b42d00c04fc964ff'],
    ['varbinary(4)', '\\x00ff', '020000ff'],
  ]
  for (const [type, value, bytes] of cases) {
    test(`${type} ${value}`, () => assert.equal(written(typeOf(type), value), bytes))
  }

  test('a text longer than its column is cut rather than breaking the stream', () => {
    assert.equal(written(typeOf('nvarchar(1)'), 'ab'), '02006100')
  })

  test('what is no value of the type is refused', () => {
    assert.throws(() => written(typeOf('decimal(9,2)'), 'NaN'), RangeError)
    assert.throws(() => written(typeOf('datetime'), 'infinity'), RangeError)
    assert.throws(() => written(typeOf('int'), '99999999999'), RangeError)
    assert.throws(() => written(typeOf('decimal(9,0)'), '99999999999'), RangeError)
  })
})

suite('values through the wire', () => {
  const wholeDays = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  const moment = wholeDays.map((date) => date.toISOString().replace('T', ' ').replace('Z', ''))
  const digits = (length: number): fc.Arbitrary<string> =>
    fc.stringMatching(new RegExp(`^-?[1-9][0-9]{0,${length - 1}}$`))
  const values: Record<string, fc.Arbitrary<string>> = {
    int: fc.integer().map(String),
    bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    float: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    'decimal(38,10)': digits(28).map((whole) => `${whole}.0123456789`),
    'decimal(9,3)': digits(6).map((whole) => `${whole}.123`),
    money: digits(14).map((whole) => `${whole}.0001`),
    'nvarchar(max)': fc.string({ unit: 'binary' }),
    'nvarchar(4000)': fc.string({ unit: 'binary' }),
    'varchar(max)': fc.stringMatching(/^[ -~éèàçÉ€œ]*$/),
    date: moment.map((text) => text.slice(0, 10)),
    'datetime2(3)': moment,
    'datetime2(7)': moment.map((text) => `${text}1234`),
    'time(3)': moment.map((text) => text.slice(11)),
    uniqueidentifier: fc.uuid().map((uuid) => uuid.toUpperCase()),
    'varbinary(max)': fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  }
  for (const [name, value] of Object.entries(values)) {
    test(name, () => {
      fc.assert(
        fc.property(fc.option(value, { freq: 20 }), (given) => {
          const expected = name === 'float' && given === '0' ? '0' : given
          const read = throughTheWire(typeOf(name), given)
          assert.equal(read === '-0' ? '0' : read, expected)
        }),
      )
    })
  }

  test('datetime keeps its three hundredths', () => {
    const text = '2026-02-05 09:15:30.123'
    assert.equal(throughTheWire(typeOf('datetime'), text), text)
    assert.equal(throughTheWire(typeOf('datetime'), '2025-12-31 23:59:59.997'), '2025-12-31 23:59:59.997')
  })

  test('datetimeoffset keeps its moment', () => {
    assert.equal(throughTheWire(typeOf('datetimeoffset(0)'), '2026-07-01 00:30:00+02'), '2026-06-30 22:30:00+00')
  })

  test('random bytes are a value or break the protocol', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new ByteReader(Buffer.from(bytes))
        try {
          readValue(reader, readTypeInfo(reader))
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
