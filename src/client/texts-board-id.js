// Every text of the organiser's board in Indonesian; of the same form as the English ones.

export const boardIndonesian = {
  title: 'Papan penyelenggara',
  connecting: 'Menghubungi server…',
  inZone: (zone) => `waktu ${zone}`,
  updated: (time) => `Per pukul ${time}`,
  pausedAt: (time) => `Dijeda pukul ${time}`,
  pause: 'Jeda',
  resume: 'Lanjutkan',

  lobbyWaits: (count, session, chairs) => `${count} orang menunggu di lobi “${session}”, dan tidak ada ketua sidang di sana. `
    + `Hubungi ketua sidang${chairs ? `: ${chairs}` : ''}.`,

  sessions: {
    title: 'Sesi',
    planned: (day, time, minutes) => `${day}, ${time}, ${minutes} menit`,
    late: (minutes) => `terlambat ${minutes} menit`,
    item: (title) => `Sekarang: ${title}`,
    none: 'Acara ini tidak memiliki sesi.',
    present: (count) => `${count} hadir`,
    presentLabel: (count, title) => `${count} hadir: tampilkan yang ada di “${title}”`,
    lobby: (count) => `${count} di lobi`,
    lobbyLabel: (count, title) => `${count} di lobi: tampilkan yang menunggu “${title}”`,
    speaking: (names) => `Sedang berbicara: ${names}`,
    queue: (count) => `Meminta giliran: ${count}`,
  },

  roster: {
    title: 'Peserta',
    search: 'Cari nama atau delegasi',
    session: 'Sesi',
    everywhere: 'Semua sesi',
    sort: 'Urutkan',
    filter: 'Tampilkan',
    shown: (shown, all) => (shown === all ? `${all} peserta` : `${shown} dari ${all} peserta`),
    nobody: 'Tidak ada peserta yang sesuai.',
    showAll: 'Tampilkan semua',
    columns: {
      name: 'Peserta', delegation: 'Delegasi', role: 'Peran', check: 'Pemeriksaan', place: 'Sekarang', line: 'Koneksi', link: 'Tautan',
    },
    filters: {
      all: 'Semua', unchecked: 'Belum diperiksa', tcp: 'Hanya TCP', relay: 'Lewat relai', failed: 'Pemeriksaan gagal',
      here: 'Hadir', lobby: 'Di lobi', away: 'Tidak hadir', poor: 'Koneksi buruk',
    },
  },

  summary: {
    checked: ({ checked, all, checkedUdp, checkedTcp, checkedRelay, failed, unchecked }) => `${checked} dari ${all} sudah diperiksa: ${[
      `${checkedUdp} UDP`, `${checkedTcp} hanya TCP`, checkedRelay ? `${checkedRelay} lewat relai` : '', failed ? `${failed} gagal` : '',
    ].filter(Boolean).join(', ')}; ${unchecked} belum`,
    here: ({ here, lobby, poor }) => [
      here ? `${here} hadir sekarang` : 'Belum ada yang hadir sekarang',
      lobby ? `${lobby} di lobi` : '', poor ? `${poor} dengan koneksi buruk` : '',
    ].filter(Boolean).join(', '),
  },

  check: {
    verdicts: { udp: 'UDP', tcp: 'Hanya TCP', relay: 'Lewat relai', none: 'Gagal', unchecked: 'Belum' },
    detail: (ms, loss) => `${ms}\u00a0md, hilang\u00a0${loss}\u00a0%`,
    devices: { microphone: 'tanpa mikrofon', camera: 'tanpa kamera', speaker: 'tanpa suara' },
  },

  place: {
    in: 'Hadir', lobby: 'Di lobi', lost: 'Koneksi terputus', away: 'Tidak hadir',
    since: (time) => `sejak ${time}`,
  },

  line: {
    good: 'Baik', fair: 'Cukup', poor: 'Buruk', unknown: 'Sedang diukur…',
    udp: 'UDP', tcp: 'TCP',
    roundTrip: (ms) => `${ms} md`,
    loss: (up, down) => `hilang ↑ ${up} ↓ ${down} %`,
    rate: (up, down) => `↑\u00a0${up} ↓\u00a0${down}\u00a0Mbit/\u2060d`,
    spoken: (ms, lossUp, lossDown, up, down) => `Waktu tempuh ${ms} milidetik; hilang ${lossUp} persen dari peserta, ${lossDown} persen ke peserta; `
      + `${up} megabit per detik dari peserta, ${down} ke peserta`,
  },

  link: {
    valid: (day) => `Berlaku sampai ${day}`,
    used: (used, uses) => `dibuka di ${used} dari ${uses} perangkat`,
    several: (count, day) => `${count} tautan, satu berlaku sampai ${day}`,
    over: 'Ditarik atau kedaluwarsa',
    none: 'Belum dibuat',
    copy: 'Salin',
    copied: 'Tersalin',
    renew: 'Baru…',
    withdraw: 'Tarik…',
    of: (action, name) => `${action.replace('…', '')}: tautan ${name}`,
    copiedOf: (name) => `Tautan ${name} sudah disalin. Kirimkan hanya kepada yang bersangkutan.`,
    newTitle: (name) => `Tautan baru untuk ${name}`,
    newText: 'Tautan yang dibuat sebelumnya tetap berlaku sampai ditarik.',
    expires: 'Berlaku',
    expiry: { event: 'Sampai sehari setelah acara', 1: 'Satu hari', 7: 'Satu minggu', 30: '30 hari' },
    uses: 'Dapat dibuka di',
    useCounts: (count) => (count === 0 ? 'Perangkat tanpa batas' : `${count} perangkat`),
    make: 'Buat tautan',
    madeTitle: (name) => `Tautan ${name}`,
    madeText: 'Siapa pun yang memiliki tautan ini masuk dengan nama ini. Kirimkan hanya kepada yang bersangkutan.',
    byHand: 'Peramban tidak mengizinkan penyalinan: tekan Ctrl+C (⌘C).',
    copyLink: 'Salin tautan',
    withdrawTitle: (name) => `Tarik tautan ${name}?`,
    withdrawText: 'Tautan langsung tidak berlaku, dan yang masuk dengannya langsung dikeluarkan. Ini tidak dapat dibatalkan; Anda dapat membuat tautan baru.',
    withdrawAll: (count) => (count > 1 ? `Semua tautan (${count})` : 'Semua tautan yang dibuat sampai sekarang'),
    withdrawOne: (day) => `Yang berlaku sampai ${day}`,
    withdrawAccept: 'Tarik',
    withdrawn: (name) => `Tautan ${name} sudah ditarik.`,
    all: 'Semua tautan (CSV)',
    allTitle: 'Simpan semua tautan dalam satu berkas?',
    allText: 'Tabel ini memuat tautan setiap peserta, untuk surat massal. Siapa pun yang memiliki berkas ini dapat masuk dengan nama siapa saja: simpan dengan aman, dan hapus setelah dipakai.',
    allAccept: 'Simpan berkas',
    cancel: 'Batal',
    close: 'Tutup',
  },

  record: {
    open: 'Catatan…',
    title: 'Catatan acara',
    text: 'Kehadiran, waktu bicara, obrolan, dan keputusan sampai saat ini.',
    document: 'Dokumen (Markdown)',
    data: 'Data (JSON)',
    tables: 'Tabel (CSV)',
    table: {
      attendance: 'Kehadiran', turns: 'Giliran bicara', 'speaking-by-member': 'Waktu bicara per orang',
      'speaking-by-delegation': 'Waktu bicara per delegasi', 'speaking-by-item': 'Waktu bicara per mata acara',
      chat: 'Obrolan', decisions: 'Keputusan', recommendations: 'Rekomendasi',
    },
    broken: (said) => `Catatan tidak utuh: ${said}. Jalankan “roundtable verify” di server sebelum memakainya.`,
    saved: (file) => `Disimpan: ${file}`,
  },

  problems: {
    unreachable: 'Server tidak dapat dihubungi. Periksa koneksi Anda; halaman ini terus mencoba.',
    stale: (time) => `Server tidak dapat dihubungi: yang ditampilkan adalah keadaan pukul ${time}. Periksa koneksi Anda; halaman ini terus mencoba.`,
    401: () => 'Tautan ini tidak lagi membuka papan. Buka dengan tautan penyelenggara yang terbaru.',
    403: (said) => `Token Anda tidak mengizinkan ini: ${said}. Gunakan tautan penyelenggara, atau token dengan izin ini.`,
    404: (said) => `Server tidak lagi mengenal hal ini: ${said}. Muat ulang halaman.`,
    notServed: () => 'Server sekarang melayani acara lain, sehingga keadaan acara ini tidak diketahui. Jalankan server dengan acara ini.',
    429: () => 'Terlalu sering meminta. Halaman ini menunggu sebentar lalu melanjutkan sendiri.',
    server: (said) => `Server gagal: ${said}. Coba lagi; jika tetap gagal, periksa log server.`,
    other: (said) => `Server menolak: ${said}`,
    part: (part, why) => `${part}: ${why}`,
    parts: {
      event: 'Acara', live: 'Siapa yang hadir', sessions: 'Sesi', checks: 'Pemeriksaan awal', invites: 'Tautan', members: 'Peserta',
    },
  },

  endings: {
    no_link: {
      title: 'Anda memerlukan tautan penyelenggara',
      text: 'Ini adalah papan penyelenggara acara Roundtable.',
      next: 'Buka tautan undangan Anda sebagai penyelenggara lalu tekan “Buka papan” di sana, atau buka halaman ini dengan token API di belakang tanda #.',
    },
    not_organiser: {
      title: 'Papan ini untuk penyelenggara',
      text: 'Ini tautan peserta: tautan ini membuka rapat, bukan papan.',
      next: 'Ikuti rapat dengan tautan ini. Jika Anda penyelenggara acara, gunakan tautan penyelenggara Anda atau mintalah satu.',
      enter: 'Ke rapat',
    },
    refused: {
      title: 'Tautan ini tidak membuka papan',
      text: 'Tautan ini rusak, kedaluwarsa, atau sudah ditarik.',
      next: 'Gunakan tautan penyelenggara yang terbaru. Di server, “roundtable invite” mencetaknya kembali.',
    },
    no_scope: {
      title: 'Token ini tidak boleh membaca acara',
      text: 'Papan memerlukan token dengan izin “read”.',
      next: 'Buat di server dengan “roundtable token”, atau gunakan tautan penyelenggara.',
    },
    no_event: {
      title: 'Acara itu tidak ada di sini',
      text: 'Server tidak memiliki acara yang boleh dilihat token ini.',
      next: 'Impor acara di server dengan “roundtable event import”, lalu muat ulang halaman ini.',
    },
    whatNext: 'Yang dapat Anda lakukan',
    tryAgain: 'Coba lagi',
  },
};
