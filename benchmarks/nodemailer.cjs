// Sends the message on standard input again and again with npm's nodemailer, pooled; prints the seconds it took,
// start left out: node nodemailer.cjs PORT CONNECTIONS MESSAGES SENDER RECIPIENT. With 0 messages it prints only which
// version there is.
const { readFileSync } = require('node:fs')
const nodemailer = require('nodemailer')

async function main() {
  const [port, connections, messages] = process.argv.slice(2, 5).map(Number)
  const [from, to] = process.argv.slice(5)
  if (!messages) return console.log(require('nodemailer/package.json').version)
  const message = { envelope: { from, to: [to] }, raw: readFileSync(0) }
  const server = { host: '127.0.0.1', port, secure: false, ignoreTLS: true }
  const pool = nodemailer.createTransport({ ...server, pool: true, maxConnections: connections, maxMessages: Infinity })
  let begun = 0
  const send = async () => {
    while (begun++ < messages) await pool.sendMail(message)
  }
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  await Promise.all(Array.from({ length: connections }, send))
  const wall = Number(process.hrtime.bigint() - start) / 1e9
  const used = process.cpuUsage(cpu)
  pool.close()
  console.log(JSON.stringify({ wall, cpu: (used.user + used.system) / 1e6, units: messages }))
}

main()
