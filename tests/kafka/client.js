// What the tests do on a cluster with a client that is not ours (kafkajs).
//
//   client.js HOST:PORT create  TOPIC=PARTITIONS[:CONFIG=VALUE]...
//   client.js HOST:PORT grow    TOPIC=PARTITIONS...
//   client.js HOST:PORT limit   TOPIC=BYTES...    max.message.bytes
//   client.js HOST:PORT delete  TOPIC...
//   client.js HOST:PORT seal    TOPIC...          nobody but super users may use it; unseal: all may
//   client.js HOST:PORT grant   PREFIX LOG        what the server's user needs, and nothing else:
//                                                 topics that begin with PREFIX, a processing log
//   client.js HOST:PORT mute    TOPIC...          nobody but super users may write; unmute: all may
//   client.js HOST:PORT list
//   client.js HOST:PORT leaders
//   client.js HOST:PORT offsets GROUP             what a consumer group has committed
//   client.js HOST:PORT configs TOPIC...
//   client.js HOST:PORT place   PARTITIONS        of Java producers, for keys on stdin, in base64
//   client.js HOST:PORT load    TOPIC [HOW]       lines on stdin: {"key", "value", "partition",
//                                                 "time", "headers"}; HOW: bytes (all is base64),
//                                                 committed or aborted (in a transaction)
//   client.js HOST:PORT read    TOPIC=RECORDS...  all committed records, as lines of JSON
//
// `read` waits until each topic gave as many records as said, or nothing came for a while.  Then it
// writes one transaction with a record in every partition, and reads until it has seen all of them:
// so everything before was read, and no transaction of anybody hangs.  Records whose value is
// "probe" are left out.
const {
  AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, Kafka, Partitioners,
  ResourcePatternTypes, logLevel,
} = require('kafkajs');
const readline = require('readline');

const [broker, command, ...args] = process.argv.slice(2);
const kafka = new Kafka({
  clientId: 'tests',
  brokers: broker.split(','),
  logLevel: logLevel.NOTHING,
  retry: { retries: 12, initialRetryTime: 100, maxRetryTime: 2000 },
});
const patience_ms = Number(process.env.PATIENCE_MS || 60000);
const id = `tests-${process.pid}-${Date.now()}`;
const batch_records = Number(process.env.BATCH_RECORDS || 5000);

const pairs = () => args.map((arg) => {
  const at = arg.indexOf('=');
  return [arg.slice(0, at), arg.slice(at + 1)];
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function withAdmin(act) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}

const create = () => withAdmin(async (admin) => {
  const topics = pairs().map(([topic, spec]) => {
    const [count, ...configs] = spec.split(':');
    return {
      topic,
      numPartitions: Number(count),
      configEntries: configs.map((config) => {
        const [name, value] = config.split('=');
        return { name, value };
      }),
    };
  });
  await admin.createTopics({ waitForLeaders: false, topics });
  // Brokers learn of a new topic one after the other: the one asked may not know it yet.
  for (const end = Date.now() + patience_ms; ; await pause(100)) {
    const found = await admin.fetchTopicMetadata({ topics: topics.map(({ topic }) => topic) })
      .catch((error) => ({ topics: [], error }));
    const led = found.topics.flatMap(({ partitions }) => partitions)
      .filter(({ leader }) => leader >= 0);
    if (led.length === topics.reduce((sum, { numPartitions }) => sum + numPartitions, 0)) return;
    if (Date.now() > end) throw found.error || new Error('a new topic has no leaders');
  }
});

const limit = () => withAdmin((admin) => admin.alterConfigs({
  resources: pairs().map(([name, value]) => ({
    type: ConfigResourceTypes.TOPIC,
    name,
    configEntries: [{ name: 'max.message.bytes', value }],
  })),
}));

const grow = () => withAdmin((admin) => admin.createPartitions({
  topicPartitions: pairs().map(([topic, count]) => ({ topic, count: Number(count) })),
}));

const remove = () => withAdmin((admin) => admin.deleteTopics({ topics: args }));

// A topic that has a rule is closed to all whom it does not name.
const sealOf = (topic) => ({
  resourceType: AclResourceTypes.TOPIC,
  resourceName: topic,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: 'User:nobody',
  host: '*',
  operation: AclOperationTypes.ALL,
  permissionType: AclPermissionTypes.ALLOW,
});

const allow = (operation) => (topic) => ({
  ...sealOf(topic), principal: 'User:*', operation: AclOperationTypes[operation],
});

const mute = () => withAdmin((admin) => admin.createAcls({
  acl: ['READ', 'DESCRIBE_CONFIGS'].flatMap((operation) => args.map(allow(operation))),
}));

const unmute = () => withAdmin((admin) => admin.deleteAcls({
  filters: ['READ', 'DESCRIBE_CONFIGS'].flatMap((operation) => args.map(allow(operation))),
}));

const seal = () => withAdmin((admin) => admin.createAcls({ acl: args.map(sealOf) }));

const unseal = () => withAdmin((admin) => admin.deleteAcls({ filters: args.map(sealOf) }));

// The rules of docs/kafka.md; all that they do not name is closed.
const grant = () => withAdmin(async (admin) => {
  const [prefix, processingLog] = args;
  const types = AclResourceTypes;
  const usual = ['DESCRIBE', 'DESCRIBE_CONFIGS', 'READ', 'WRITE'];
  const may = (resourceType, resourceName, ...operations) => operations.map((operation) => ({
    resourceType,
    resourceName,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: 'User:weir',
    host: '*',
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  }));
  const closed = [types.TOPIC, types.GROUP, types.TRANSACTIONAL_ID].map((resourceType) => ({
    ...sealOf('*'), resourceType,
  }));
  await admin.createAcls({
    acl: [
      ...closed,
      { ...sealOf('kafka-cluster'), resourceType: types.CLUSTER },
      ...may(types.TOPIC, '_weir-', 'ALL'),
      ...may(types.TOPIC, processingLog, ...usual, 'CREATE'),
      ...may(types.TOPIC, prefix, ...usual, 'CREATE', 'DELETE'),
      ...may(types.TRANSACTIONAL_ID, '_weir-', 'DESCRIBE', 'WRITE'),
      ...may(types.GROUP, '_weir-', 'DESCRIBE', 'READ', 'DELETE'),
    ],
  });
});

const list = () => withAdmin(async (admin) => {
  const { topics } = await admin.fetchTopicMetadata();
  for (const topic of topics)
    console.log(JSON.stringify({ topic: topic.name, partitions: topic.partitions.length }));
});

const leaders = () => withAdmin(async (admin) => {
  const { topics } = await admin.fetchTopicMetadata();
  for (const { name, partitions } of topics)
    for (const { partitionId, leader } of partitions)
      console.log(JSON.stringify({ topic: name, partition: partitionId, leader }));
});

const offsets = () => withAdmin(async (admin) => {
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId: args[0] }))
    for (const { partition, offset } of partitions)
      console.log(JSON.stringify({ topic, partition, offset: Number(offset) }));
});

const configs = () => withAdmin(async (admin) => {
  const { topics } = await admin.fetchTopicMetadata({ topics: args });
  const { resources } = await admin.describeConfigs({
    resources: topics.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  for (const { name, partitions } of topics) {
    const { configEntries } = resources.find(({ resourceName }) => resourceName === name);
    console.log(JSON.stringify({
      topic: name,
      partitions: partitions.length,
      replicas: partitions[0].replicas.length,
      configs: Object.fromEntries(configEntries.map((one) => [one.configName, one.configValue])),
    }));
  }
});

const bytes = (text) => (typeof text === 'string' ? Buffer.from(text, 'base64') : text);

async function place() {
  const partitionMetadata = [...Array(Number(args[0])).keys()]
    .map((partitionId) => ({ partitionId, leader: 1 }));
  const partitioner = Partitioners.DefaultPartitioner();
  for await (const line of readline.createInterface({ input: process.stdin }))
    console.log(partitioner({
      topic: 'any', partitionMetadata, message: { key: bytes(JSON.parse(line)) },
    }));
}

async function load() {
  const [topic, how] = args;
  const isTransaction = how === 'committed' || how === 'aborted';
  const decode = how === 'bytes' ? bytes : (text) => text;
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    ...isTransaction && { transactionalId: id, idempotent: true, maxInFlightRequests: 1 },
  });
  let writer = producer;
  let messages = [];
  let count = 0;
  const send = async () => {
    if (messages.length) await writer.send({ topic, acks: -1, messages });
    count += messages.length;
    messages = [];
  };
  await producer.connect();
  if (isTransaction) writer = await producer.transaction();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { key, value, partition, time, headers } = JSON.parse(line);
    messages.push({
      key: decode(key),
      value: decode(value),
      partition,
      headers: headers && Object.fromEntries(Object.entries(headers)
        .map(([name, values]) => [name, values.map(decode)])),
      timestamp: time && String(time),
    });
    if (messages.length === batch_records) await send();
  }
  await send();
  if (isTransaction) await (how === 'aborted' ? writer.abort() : writer.commit());
  await producer.disconnect();
  console.log(count);
}

// One transaction with a record in each partition; the names of those partitions.
async function probe(topics) {
  const places = await withAdmin(async (admin) => {
    const found = await admin.fetchTopicMetadata({ topics });
    return found.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionId }) => [name, partitionId]));
  });
  const producer = kafka.producer({
    transactionalId: id,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  for (const [topic, partition] of places)
    await transaction.send({ topic, messages: [{ partition, key: id, value: 'probe' }] });
  await transaction.commit();
  await producer.disconnect();
  return places.map(([topic, partition]) => `${topic}/${partition}`);
}

function print(topic, partition, message) {
  const text = (bytes) => bytes && bytes.toString('utf8');
  process.stdout.write(`${JSON.stringify({
    topic,
    partition,
    offset: Number(message.offset),
    time: Number(message.timestamp),
    key: text(message.key),
    value: text(message.value),
  })}\n`);
}

async function until(isDone, quietMs, latest) {
  while (!isDone() && Date.now() - latest() < quietMs)
    await pause(20);
  return isDone();
}

async function read() {
  const wanted = new Map(pairs().map(([topic, count]) => [topic, Number(count)]));
  const seen = new Map([...wanted.keys()].map((topic) => [topic, 0]));
  const probed = new Set();
  const consumer = kafka.consumer({
    groupId: id,
    readUncommitted: false,
    maxWaitTimeInMs: 50,
    retry: { retries: 20 },
  });
  let last = Date.now();

  await consumer.connect();
  await consumer.subscribe({ topics: [...wanted.keys()], fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch: { topic, partition, messages } }) => {
      for (const message of messages) {
        last = Date.now();
        if (message.value && message.value.toString() === 'probe') {
          if (message.key.toString() === id) probed.add(`${topic}/${partition}`);
          continue;
        }
        seen.set(topic, seen.get(topic) + 1);
        print(topic, partition, message);
      }
    },
  });
  await until(() => [...wanted].every(([topic, count]) => seen.get(topic) >= count),
    patience_ms, () => last);
  const places = await probe([...wanted.keys()]);
  last = Date.now();
  const isWhole = await until(() => places.every((place) => probed.has(place)), patience_ms,
    () => last);
  if (!isWhole)
    console.error(`a transaction hangs before ${places.filter((place) => !probed.has(place))}`);
  // Leaving the group in order may take long while the cluster is unwell: nobody needs it.
  process.stdout.write('', () => process.exit(isWhole ? 0 : 1));
}

const commands = {
  create, grow, limit, delete: remove, leaders, list, configs, offsets, place, load, read, seal,
  unseal, grant, mute, unmute,
};

commands[command]().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
