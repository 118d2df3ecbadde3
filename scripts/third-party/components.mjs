/**
 * What dist/ holds of others: the npm packages that are bundled, and what was compiled into their
 * WebAssembly. The table is held against the packages that esbuild finds and against the bytes of the
 * binaries (`evidence.mjs`), so that a new version changes no file of a release without a look at its
 * licence.
 *
 * `licence` is an SPDX expression, `under` the one of its choices that is taken, where there is one, and
 * `texts` where its text is. `seen`: how the component shows in the binary; `stated`: who states what cannot
 * be seen.
 */

const JSQUASH = 'https://github.com/jamsinclair/jSquash';
const PNG_LOCK = `${JSQUASH}, packages/png/codec/Cargo.lock`;

/** Bundled packages. `wasm` is what of them goes into dist/, with its SHA-256. */
export const PACKAGES = [
  {
    name: '@jsquash/jpeg',
    version: '1.6.0',
    licence: 'Apache-2.0',
    copyright: 'Copyright 2023 jamsinclair; derived from Squoosh, copyright Google Inc.',
    url: JSQUASH,
    texts: ['node_modules/@jsquash/jpeg/LICENSE'],
    wasm: {
      path: 'codec/dec/mozjpeg_dec.wasm',
      sha256: 'a7c4b12169817e779ff4af137981393ae924944e167ad1bd95747c9199162d3e',
    },
  },
  {
    name: '@jsquash/png',
    version: '3.1.1',
    licence: 'Apache-2.0',
    copyright: 'Copyright 2023 jamsinclair; derived from Squoosh, copyright Google Inc.',
    url: JSQUASH,
    texts: ['node_modules/@jsquash/jpeg/LICENSE'],
    wasm: {
      path: 'codec/pkg/squoosh_png_bg.wasm',
      sha256: '263d6e658808a74b72a1a99c5cc1d619237e70c150db6e41d5d84d3d117ab9be',
    },
  },
  {
    name: 'jpeg-js',
    version: '0.4.4',
    licence: 'BSD-3-Clause AND Apache-2.0',
    copyright: 'Copyright (c) 2014 Eugene Ware; its decoder: Copyright 2011 notmasteryet',
    url: 'https://github.com/jpeg-js/jpeg-js',
    texts: ['node_modules/jpeg-js/LICENSE', 'node_modules/@jsquash/jpeg/LICENSE'],
  },
];

const crate = (name, version, fields) => ({
  name,
  version,
  purl: `pkg:cargo/${name}@${version}`,
  url: `https://crates.io/crates/${name}`,
  inside: '@jsquash/png',
  texts: ['scripts/third-party/texts/MIT.txt'],
  licence: 'MIT OR Apache-2.0',
  under: 'MIT',
  ...fields,
});

/** Rust names the source files of a crate where it may panic. */
const PATHS = { seen: 'crate' };
/** Crates that cannot panic leave no name: the lock file of the build states them. */
const LOCK = { stated: PNG_LOCK };
const APACHE = {
  under: 'Apache-2.0',
  texts: ['node_modules/@jsquash/jpeg/LICENSE'],
};

/** What was compiled into the WebAssembly of those packages. */
export const COMPILED = [
  {
    name: 'mozjpeg',
    version: '3.3.1',
    purl: 'pkg:github/mozilla/mozjpeg@v3.3.1',
    url: 'https://github.com/mozilla/mozjpeg',
    inside: '@jsquash/jpeg',
    licence: 'IJG AND BSD-3-Clause',
    copyright:
      'Copyright (C) 1991-2017 The libjpeg-turbo Project and many others. This software is based in part on ' +
      'the work of the Independent JPEG Group.',
    texts: [
      'scripts/third-party/texts/IJG.txt',
      'node_modules/@jsquash/jpeg/codec/LICENSE.codec.md',
    ],
    seen: 'Copyright (C) 1991-2017 The libjpeg-turbo Project and many others',
    stated: `${JSQUASH}, packages/jpeg/codec/Makefile`,
  },
  {
    name: 'emscripten',
    purl: 'pkg:github/emscripten-core/emscripten',
    url: 'https://github.com/emscripten-core/emscripten',
    inside: '@jsquash/jpeg',
    licence: 'MIT OR NCSA',
    under: 'MIT',
    copyright: 'Copyright (c) 2010-2014 Emscripten authors',
    texts: ['scripts/third-party/texts/MIT.txt'],
    seen: 'emscripten::memory_view',
  },
  {
    name: 'musl',
    purl: 'pkg:generic/musl',
    url: 'https://musl.libc.org',
    inside: '@jsquash/jpeg',
    licence: 'MIT',
    copyright: 'Copyright (c) 2005-2020 Rich Felker, et al.',
    texts: ['scripts/third-party/texts/MIT.txt'],
    stated: "Emscripten's C library",
  },
  {
    name: 'llvm-runtimes',
    purl: 'pkg:github/llvm/llvm-project',
    url: 'https://github.com/llvm/llvm-project',
    inside: '@jsquash/jpeg',
    licence: 'Apache-2.0 WITH LLVM-exception',
    copyright: 'libc++, libc++abi and compiler-rt of the LLVM Project',
    texts: ['node_modules/@jsquash/jpeg/LICENSE', 'scripts/third-party/texts/LLVM-exception.txt'],
    stated: "Emscripten's C++ library",
  },
  crate('png', '0.17.10', { ...PATHS, copyright: 'Copyright (c) 2015 nwin' }),
  crate('flate2', '1.0.28', { ...PATHS, copyright: 'Copyright (c) 2014 Alex Crichton' }),
  crate('miniz_oxide', '0.7.1', {
    ...PATHS,
    licence: 'MIT OR Zlib OR Apache-2.0',
    copyright: 'Copyright (c) 2017 Frommi',
  }),
  crate('fdeflate', '0.3.3', { ...PATHS, ...APACHE, copyright: 'The image-rs Developers' }),
  crate('crc32fast', '1.3.2', {
    ...PATHS,
    copyright: 'Copyright (c) 2018 Sam Rijs, Alex Crichton and contributors',
  }),
  crate('dlmalloc', '0.2.6', { ...PATHS, copyright: 'Copyright (c) 2014 Alex Crichton' }),
  crate('adler', '1.0.2', {
    ...LOCK,
    licence: '0BSD OR MIT OR Apache-2.0',
    copyright: 'Copyright (C) Jonas Schievink',
  }),
  crate('simd-adler32', '0.3.7', {
    ...LOCK,
    licence: 'MIT',
    under: undefined,
    copyright: 'Copyright (c) 2021 Marvin Countryman',
  }),
  crate('bitflags', '1.3.2', {
    ...LOCK,
    copyright: 'Copyright (c) 2014 The Rust Project Developers',
  }),
  crate('cfg-if', '1.0.0', { ...LOCK, copyright: 'Copyright (c) 2014 Alex Crichton' }),
  crate('rgb', '0.8.37', {
    ...LOCK,
    licence: 'MIT',
    under: undefined,
    copyright: 'Copyright (c) 2019 Kornel',
  }),
  crate('bytemuck', '1.14.0', {
    ...LOCK,
    licence: 'Zlib OR Apache-2.0 OR MIT',
    copyright: 'Copyright (c) 2019 Daniel "Lokathor" Gee.',
  }),
  crate('js-sys', '0.3.66', { ...LOCK, copyright: 'Copyright (c) 2014 Alex Crichton' }),
  crate('web-sys', '0.3.66', { ...LOCK, copyright: 'Copyright (c) 2014 Alex Crichton' }),
  crate('wasm-bindgen', '0.2.89', {
    seen: 'processed-by',
    copyright: 'Copyright (c) 2014 Alex Crichton',
  }),
  {
    name: 'rust-std',
    version: '1.81.0-nightly',
    purl: 'pkg:github/rust-lang/rust@d8a38b00024cd7156dea4ce8fd8ae113a2745e7f',
    url: 'https://github.com/rust-lang/rust',
    inside: '@jsquash/png',
    licence: 'MIT OR Apache-2.0',
    under: 'MIT',
    copyright: 'Copyright (c) The Rust Project Contributors',
    texts: ['scripts/third-party/texts/MIT.txt'],
    seen: 'processed-by',
  },
];
