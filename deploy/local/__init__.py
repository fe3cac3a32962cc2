"""The system on one machine: Apache Kafka from jars, its topics, and a supervisor over broker, workers and gateway."""
