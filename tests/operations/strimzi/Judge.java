import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/** Tells which KafkaTopics and KafkaUsers on standard input Strimzi's own classes do not take as they are, as JSON. */
public class Judge {
    private static final Map<String, String> CLASSES = Map.of(
            "KafkaTopic", "io.strimzi.api.kafka.model.topic.KafkaTopic",
            "KafkaUser", "io.strimzi.api.kafka.model.user.KafkaUser");

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        Map<String, String> complaints = new TreeMap<>();
        for (JsonNode resource : mapper.readTree(System.in)) {
            String name = CLASSES.get(resource.path("kind").asText());
            if (name == null) {
                continue;
            }
            try {
                Object read = mapper.treeToValue(resource, Class.forName(name));
                Object spec = read.getClass().getMethod("getSpec").invoke(read);
                if (spec == null) {
                    throw new IllegalArgumentException("it has no spec");
                }
                refuseUnknown(spec);
            } catch (IllegalArgumentException | com.fasterxml.jackson.core.JsonProcessingException wrong) {
                complaints.put(resource.path("metadata").path("name").asText(), wrong.getMessage());
            }
        }
        System.out.println(mapper.writeValueAsString(complaints));
    }

    /** Strimzi keeps members that it does not know apart: there must be none, at any depth. */
    private static void refuseUnknown(Object value) throws Exception {
        if (value instanceof Collection<?> items) {
            for (Object item : items) {
                refuseUnknown(item);
            }
        } else if (value != null && value.getClass().getName().startsWith("io.strimzi.") && !value.getClass().isEnum()) {
            for (Method method : value.getClass().getMethods()) {
                if (!method.getName().startsWith("get") || method.getParameterCount() > 0) {
                    continue;
                }
                Object found = method.invoke(value);
                if (method.getName().equals("getAdditionalProperties") && found instanceof Map<?, ?> unknown && !unknown.isEmpty()) {
                    throw new IllegalArgumentException("unknown: " + unknown.keySet());
                }
                refuseUnknown(found);
            }
        }
    }
}
