// Compiles the MJML on standard input again and again with npm's mjml; prints the seconds
// it took, start and warm-up left out. With 0 times it prints only which version there is.
const { readFileSync } = require('node:fs')
const loaded = require('mjml')
const compile = loaded.default ?? loaded

async function main() {
  const repeats = Number(process.argv[2])
  if (!repeats) return console.log(require('mjml/package.json').version)
  const source = readFileSync(0, 'utf8')
  const options = { validationLevel: 'soft' }
  for (let n = 0; n < 5; n++) await compile(source, options)
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  for (let n = 0; n < repeats; n++) await compile(source, options)
  const wall = Number(process.hrtime.bigint() - start) / 1e9
  const used = process.cpuUsage(cpu)
  console.log(JSON.stringify({ wall, cpu: (used.user + used.system) / 1e6 }))
}

main()
