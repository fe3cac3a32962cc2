import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Peer: Kafka Streams with exactly_once_v2, one processor on its lower interface.
 *
 * <p>Reads a request with Jackson's streaming parser, checks what must be there, writes the same completed result and
 * headers as this system, to the partition of its request. With BENCH_WINDOW it recognises a repeated job id within
 * that many requests of a partition, by a least-recently-used store with a changelog; without, it recognises none.
 */
public final class ConstantValues {
    private static final String SEEN = "seen";
    private static final byte[] MARK = {1};

    private ConstantValues() {}

    public static void main(String[] arguments) {
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
        String prefix = System.getenv("TOPIC_PREFIX");
        int window = Integer.parseInt(System.getenv().getOrDefault("BENCH_WINDOW", "0"));
        var bytes = Serdes.ByteArray();
        var topology = new Topology()
            .addSource("requests", bytes.deserializer(), bytes.deserializer(), prefix + "valuation.requests")
            .addProcessor("value", () -> new Answering(window > 0), "requests");
        if (window > 0) {
            var store = Stores.keyValueStoreBuilder(Stores.lruMap(SEEN, window), Serdes.String(), bytes);
            topology.addStateStore(store, "value");
        }
        StreamPartitioner<byte[], byte[]> same = new SamePartition();
        topology.addSink("results", prefix + "valuation.results", bytes.serializer(), bytes.serializer(), same, "value");
        var streams = new KafkaStreams(topology, settings());
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Properties settings() {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("BENCH_GROUP"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, System.getenv("BENCH_COMMIT_MS"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, System.getenv("BENCH_THREADS"));
        settings.put(StreamsConfig.POLL_MS_CONFIG, System.getenv("BENCH_POLL_MS"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("TMPDIR"));
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), "5000");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), Integer.toString(1 << 18));
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), Integer.toString(1 << 26));
        return settings;
    }

    /** What a request says, as far as a constant value needs it. */
    private record Request(String jobId, String propertyId, String countyId, String createdAt) {}

    /** Sends a result to the partition number that its request came from, which the processor leaves in a field. */
    private static final class SamePartition implements StreamPartitioner<byte[], byte[]> {
        private static final ThreadLocal<Set<Integer>> CURRENT = new ThreadLocal<>();

        @Override
        public Optional<Set<Integer>> partitions(String topic, byte[] key, byte[] value, int count) {
            return Optional.of(CURRENT.get());
        }
    }

    private static final class Answering implements Processor<byte[], byte[], byte[], byte[]> {
        private static final JsonFactory JSON = new JsonFactory();
        private static final DateTimeFormatter MILLIS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
        private static final int KNOWN = 4096;
        private final boolean recognising;
        private final Map<String, String> moments = new HashMap<>();
        private ProcessorContext<byte[], byte[]> context;
        private KeyValueStore<String, byte[]> seen;
        private Set<Integer> partition = Set.of();
        private long nowMs;
        private String now = "";

        Answering(boolean recognising) {
            this.recognising = recognising;
        }

        @Override
        public void init(ProcessorContext<byte[], byte[]> given) {
            context = given;
            seen = recognising ? given.getStateStore(SEEN) : null;
            partition = Set.of(given.taskId().partition());
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            Request request = read(record.value());
            if (recognising && seen.putIfAbsent(request.jobId, MARK) != null) {
                return;
            }
            tick(context.currentSystemTimeMs());
            byte[] jobId = request.jobId.getBytes(StandardCharsets.ISO_8859_1);
            SamePartition.CURRENT.set(partition);
            context.forward(new Record<>(jobId, result(request), record.timestamp(), headers(jobId)));
        }

        private void tick(long milliseconds) {
            if (milliseconds != nowMs) {
                nowMs = milliseconds;
                now = MILLIS.format(Instant.ofEpochMilli(milliseconds));
            }
        }

        private Request read(byte[] value) {
            String jobId = null;
            String propertyId = null;
            String countyId = null;
            String createdAt = null;
            try (JsonParser parser = JSON.createParser(value)) {
                must(parser.nextToken() == JsonToken.START_OBJECT, "a request is a JSON object");
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    switch (name) {
                        case "job_id" -> jobId = parser.getText();
                        case "property_id" -> propertyId = parser.getText();
                        case "county_id" -> countyId = parser.getText();
                        case "created_at" -> createdAt = parser.getText();
                        default -> parser.skipChildren();
                    }
                }
            } catch (IOException wrong) {
                throw new IllegalArgumentException(wrong);
            }
            must(jobId != null && UUID.fromString(jobId) != null, "job_id");
            must(printable(propertyId, 128), "property_id");
            must(printable(countyId, 64), "county_id");
            return new Request(jobId, propertyId, countyId.toUpperCase(Locale.ROOT), moment(createdAt));
        }

        private String moment(String text) {
            if (text == null) {
                return MILLIS.format(Instant.ofEpochMilli(context.currentSystemTimeMs()));
            }
            if (moments.size() > KNOWN) {
                moments.clear();
            }
            return moments.computeIfAbsent(text, stated -> MILLIS.format(Instant.parse(stated)));
        }

        private static boolean printable(String text, int most) {
            if (text == null || text.isEmpty() || text.length() > most) {
                return false;
            }
            for (int at = 0; at < text.length(); at++) {
                if (Character.isISOControl(text.charAt(at))) {
                    return false;
                }
            }
            return true;
        }

        private static void must(boolean right, String what) {
            if (!right) {
                throw new IllegalArgumentException(what);
            }
        }

        private byte[] result(Request request) {
            var text = new StringBuilder(512)
                .append("{\"job_id\":\"").append(request.jobId)
                .append("\",\"property_id\":\"").append(request.propertyId)
                .append("\",\"county_id\":\"").append(request.countyId)
                .append("\",\"status\":\"COMPLETED\",\"message\":\"Valuation completed successfully.\",\"created_at\":\"")
                .append(request.createdAt).append("\",\"updated_at\":\"").append(now)
                .append("\",\"started_at\":\"").append(now).append("\",\"completed_at\":\"").append(now)
                .append("\",\"failure_reason\":null,\"batch_id\":null,\"valuation_method_hint\":null,\"result\":")
                .append("{\"estimated_value\":250000.0,\"model_version\":\"constant\"}}");
            return text.toString().getBytes(StandardCharsets.UTF_8);
        }

        private Headers headers(byte[] jobId) {
            return new RecordHeaders()
                .add("ce_specversion", "1.0".getBytes(StandardCharsets.ISO_8859_1))
                .add("ce_source", "bench".getBytes(StandardCharsets.ISO_8859_1))
                .add("ce_type", "com.terrafusion.valuation.completed.v1".getBytes(StandardCharsets.ISO_8859_1))
                .add("content-type", "application/json".getBytes(StandardCharsets.ISO_8859_1))
                .add("ce_time", now.getBytes(StandardCharsets.ISO_8859_1))
                .add("ce_id", jobId)
                .add("ce_subject", jobId);
        }
    }
}
