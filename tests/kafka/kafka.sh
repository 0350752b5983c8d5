#!/usr/bin/env bash
# Real Kafka brokers (KRaft) on 127.0.0.1, from the project's Maven artifacts.
#
#   kafka.sh start DIR    fetches what is missing, starts a broker that keeps its data in DIR and
#                         waits until it answers; prints its address, HOST:PORT, also in DIR/address
#   kafka.sh secure DIR   the same with two more listeners: TLS that asks for a certificate, and
#                         user and password (PLAIN, SCRAM-SHA-256; weir/secret) over TLS, whose
#                         users are held to the rights of topics; prints three addresses;
#                         certificates are in DIR/tls
#   kafka.sh proxied DIR PORT
#                         the same with one more listener that tells its clients to come to PORT;
#                         prints two addresses
#   kafka.sh three DIR    three brokers that keep their data in DIR/1 to DIR/3, which the commands
#                         below take; a topic has three replicas, two of which must be in sync;
#                         prints HOST:PORT,HOST:PORT,HOST:PORT
#   kafka.sh stop DIR     ends it by its pid; kills it when it does not end in time
#   kafka.sh kill DIR     kill -9
#   kafka.sh again DIR    starts it again, on the same port
#
# With WEIR_KAFKA_KEEPS=1 the broker keeps all records: neither retention nor compaction.
# WEIR_KAFKA_VERSION (3.9.2) and WEIR_KAFKA_CACHE (~/.cache/weir-kafka) say what, and where the
# jars are kept.  Java and Maven come from the distribution when they are missing.
set -euo pipefail

command=${1:?start, secure, proxied, three, stop, kill or again}
dir=${2:?the folder of the broker}
version=${WEIR_KAFKA_VERSION:-3.9.2}
cache=${WEIR_KAFKA_CACHE:-$HOME/.cache/weir-kafka}
jars=$cache/$version
ready_s=90

install_java() {
    local missing=()
    command -v java >/dev/null || missing+=(default-jre-headless)
    command -v mvn >/dev/null || missing+=(maven)
    [ ${#missing[@]} = 0 ] && return 0
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    "${sudo[@]}" apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >&2
}

dependency() { # GROUP NAME VERSION
    printf '<dependency><groupId>%s</groupId>' "$1"
    printf '<artifactId>%s</artifactId><version>%s</version></dependency>\n' "$2" "$3"
}

# Two test runs may fetch at once: each into a folder of its own, the first one done is kept.
fetch() {
    [ -d "$jars" ] && return 0
    install_java
    mkdir -p "$cache"
    local work
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    {
        echo '<project><modelVersion>4.0.0</modelVersion><groupId>weir</groupId>'
        echo '<artifactId>kafka-for-tests</artifactId><version>1</version><dependencies>'
        dependency org.apache.kafka kafka_2.13 "$version"
        [ "${version%%.*}" -lt 4 ] || dependency org.apache.logging.log4j log4j-slf4j-impl 2.25.4
        echo '</dependencies></project>'
    } >"$work/pom.xml"
    (cd "$work" && timeout 300 mvn -q -B dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$work/jars") >&2
    mv -T "$work/jars" "$jars" 2>/dev/null || [ -d "$jars" ]
    rm -rf "$work"
}

run_java() { # HEAP ARGUMENTS
    local heap=$1
    shift
    exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData "-Xmx$heap" \
        -Dlog4j.configuration="file:$dir/log4j.properties" -cp "$jars/*" "$@"
}

# Free ports: the kernel gives them out, and hardly gives them again at once.
free_ports() {
    python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(6)]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
PY
}

openssl_quietly() {
    openssl "$@" 2>/dev/null
}

# One authority, a certificate for the broker and one for its client.
make_certificates() {
    local tls=$dir/tls name
    mkdir -p "$tls"
    openssl_quietly req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=tests \
        -keyout "$tls/ca.key" -out "$tls/ca.pem"
    for name in server client; do
        openssl_quietly req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$tls/$name.key" \
            -out "$tls/$name.csr"
        openssl_quietly x509 -req -days 30 -in "$tls/$name.csr" -CA "$tls/ca.pem" \
            -CAkey "$tls/ca.key" -CAcreateserial -out "$tls/$name.pem" \
            -extfile <(echo subjectAltName=IP:127.0.0.1)
    done
    cat "$tls/server.key" "$tls/server.pem" >"$tls/broker.pem"
}

configure_security() { # PORT PORT
    local plain=org.apache.kafka.common.security.plain.PlainLoginModule
    local scram=org.apache.kafka.common.security.scram.ScramLoginModule
    local map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
    make_certificates
    local more=SSL://127.0.0.1:$1,SASL_SSL://127.0.0.1:$2
    sed -i "/^listener.security/d; s|^\(.*listeners=PLAINTEXT:[^,]*\)|\1,$more|" \
        "$dir/server.properties"
    cat >>"$dir/server.properties" <<END
listener.security.protocol.map=$map
ssl.keystore.type=PEM
ssl.keystore.location=$dir/tls/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.pem
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl_ssl.plain.sasl.jaas.config=$plain required user_weir="secret";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=$scram required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
END
    echo "127.0.0.1:$1 127.0.0.1:$2" >"$dir/others"
}

# A second listener that lies about where it is: who asks it is sent to the proxy.
configure_proxied() { # PORT ADVERTISED
    local map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
    sed -i "/^listener.security/d; s|^listeners=PLAINTEXT:[^,]*|&,PROXIED://127.0.0.1:$1|
        s|^advertised.listeners=.*|&,PROXIED://127.0.0.1:$2|" "$dir/server.properties"
    echo "listener.security.protocol.map=$map" >>"$dir/server.properties"
    echo "127.0.0.1:$1" >"$dir/others"
}

# Retention, compaction and a new start after kill -9 take seconds instead of minutes.
configure() { # NODE VOTERS CLIENT CONTROLLER REPLICAS IN_SYNC
    local node=$1 voters=$2 client=$3 controller=$4 replicas=$5 in_sync=$6
    mkdir -p "$dir"
    cat >"$dir/server.properties" <<END
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
listeners=PLAINTEXT://127.0.0.1:$client,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$client
log.dirs=$dir/log
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=250
broker.session.timeout.ms=2000
log.initial.task.delay.ms=500
log.retention.check.interval.ms=300
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
END
    if [ -n "${WEIR_KAFKA_KEEPS:-}" ]; then
        sed -i 's/^\(log.retention.check.interval.ms=\).*/\186400000/' "$dir/server.properties"
        echo log.cleaner.enable=false >>"$dir/server.properties"
    fi
    cat >"$dir/log4j.properties" <<END
log4j.rootLogger=WARN, C
log4j.appender.C=org.apache.log4j.ConsoleAppender
log4j.appender.C.layout=org.apache.log4j.PatternLayout
log4j.appender.C.layout.ConversionPattern=[%d] %p %m (%c)%n
END
    echo "127.0.0.1:$client" >"$dir/address"
}

format() { # CLUSTER ARGUMENTS
    (run_java 128m kafka.tools.StorageTool format -t "$1" -c "$dir/server.properties" \
        "${@:2}") >"$dir/format.out" 2>&1 || { cat "$dir/format.out" >&2; exit 1; }
}

new_cluster_id() {
    head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22
}

make_one() { # PORT of the proxy
    local client controller first second users=()
    read -r client controller first second _ < <(free_ports)
    configure 1 "1@127.0.0.1:$controller" "$client" "$controller" 1 1
    case $command in
    secure)
        configure_security "$first" "$second"
        users=(--add-scram 'SCRAM-SHA-256=[name=weir,password=secret]')
        ;;
    proxied) configure_proxied "$first" "$1" ;;
    esac
    format "$(new_cluster_id)" "${users[@]}"
}

# None of them serves before two are there, so all are started before one is waited for.
make_three() {
    local top=$dir cluster node ports voters
    cluster=$(new_cluster_id)
    read -ra ports < <(free_ports)
    voters=1@127.0.0.1:${ports[3]},2@127.0.0.1:${ports[4]},3@127.0.0.1:${ports[5]}
    for node in 1 2 3; do
        dir=$top/$node
        configure $node "$voters" "${ports[node - 1]}" "${ports[node + 2]}" 3 2
        format "$cluster"
    done
    for node in 1 2 3; do
        dir=$top/$node
        spawn
    done
    for node in 1 2 3; do
        dir=$top/$node
        await
    done
    cat "$top"/[123]/address | paste -sd,
}

is_ours() { # the broker of this folder lives
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
        grep -qF "$dir/server.properties"
}

spawn() {
    (run_java 512m kafka.Kafka "$dir/server.properties") >>"$dir/broker.out" 2>&1 </dev/null &
    echo $! >"$dir/pid"
}

await() {
    local address port end
    address=$(cat "$dir/address")
    port=${address##*:}
    end=$((SECONDS + ready_s))
    until grep -q ready "$dir/state" 2>/dev/null; do
        kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -5 "$dir/broker.out" >&2; exit 1; }
        [ $SECONDS -lt $end ] || { echo "no broker after $ready_s s" >&2; exit 1; }
        # The socket opens when the broker has registered and serves.
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo ready >"$dir/state"; fi
        sleep 0.1
    done
}

launch() {
    spawn
    await
    echo "$(cat "$dir/address") $(cat "$dir/others" 2>/dev/null || true)"
}

end_broker() { # SIGNAL
    is_ours || return 0
    local pid end
    pid=$(cat "$dir/pid")
    end=$((SECONDS + 15))
    kill "-$1" "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        [ $SECONDS -lt $end ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.1
    done
    rm -f "$dir/pid" "$dir/state"
}

case $command in
start | secure | proxied)
    fetch
    make_one "${3:-}"
    launch
    ;;
three)
    fetch
    make_three
    ;;
stop) end_broker TERM ;;
kill) end_broker KILL ;;
again) launch ;;
*)
    echo "kafka.sh: unknown command $command" >&2
    exit 2
    ;;
esac
