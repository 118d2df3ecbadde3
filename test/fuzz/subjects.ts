/** All that can be fuzzed, by name. */

import { networkSubject } from './networks/subject.ts';
import { allReaders } from './readers/all.ts';
import { readerSubject, type Subject } from './subject.ts';

export function allSubjects(): Subject[] {
  return [...allReaders().map(readerSubject), networkSubject()];
}
