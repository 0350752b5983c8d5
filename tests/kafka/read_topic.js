// Prints every committed record of topics as one line of JSON each, by a client that is not ours.
// usage: read_topic.js HOST:PORT TOPIC=RECORDS...
// Ends when each topic gave as many records as said, and no more came for a moment.
const { Kafka, logLevel } = require('kafkajs');

const [broker, ...wanted] = process.argv.slice(2);
const counts = new Map(wanted.map((w) => [w.split('=')[0], Number(w.split('=')[1])]));
const seen = new Map([...counts.keys()].map((topic) => [topic, 0]));
const quiet_ms = 1500;

async function main() {
  const kafka = new Kafka({ clientId: 'reader', brokers: [broker], logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({
    groupId: `reader-${process.pid}-${Date.now()}`,
    readUncommitted: false,
    maxWaitTimeInMs: 100,
  });
  let last = Date.now();

  await consumer.connect();
  for (const topic of counts.keys()) await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      last = Date.now();
      seen.set(topic, seen.get(topic) + 1);
      console.log(JSON.stringify({
        topic,
        partition,
        offset: Number(message.offset),
        time: Number(message.timestamp),
        key: message.key && message.key.toString('utf8'),
        value: message.value && message.value.toString('utf8'),
      }));
    },
  });
  const isDone = () => [...counts].every(([topic, count]) => seen.get(topic) >= count);
  const end = Date.now() + 30000;
  while (Date.now() < end && !(isDone() && Date.now() - last > quiet_ms))
    await new Promise((resolve) => setTimeout(resolve, 50));
  await consumer.disconnect();
  process.exit(isDone() ? 0 : 1);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
