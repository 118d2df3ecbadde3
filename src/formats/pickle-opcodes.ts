/** Names of the opcodes that the reader refuses, for its messages (CPython Lib/pickletools.py). */

// biome-ignore format: a table
export const OPCODE_NAMES: Readonly<Record<number, string>> = {
  128: 'PROTO (a second one)', 48: 'POP', 49: 'POP_MARK', 50: 'DUP',
  70: 'FLOAT (protocol 0)', 73: 'INT (protocol 0)', 76: 'LONG (protocol 0)',
  80: 'PERSID', 81: 'BINPERSID', 83: 'STRING (protocol 0)', 86: 'UNICODE (protocol 0)',
  100: 'DICT', 103: 'GET (protocol 0)', 112: 'PUT (protocol 0)', 105: 'INST', 111: 'OBJ',
  129: 'NEWOBJ', 130: 'EXT1', 131: 'EXT2', 132: 'EXT4', 143: 'EMPTY_SET', 144: 'ADDITEMS',
  145: 'FROZENSET', 146: 'NEWOBJ_EX', 151: 'NEXT_BUFFER (out-of-band data)',
  152: 'READONLY_BUFFER (out-of-band data)',
};
