{{- define "terrafusion.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "terrafusion.labels" -}}
app.kubernetes.io/name: terrafusion
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "terrafusion.selector" -}}
app.kubernetes.io/name: terrafusion
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "terrafusion.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "terrafusion.partitions" -}}
{{- range (.Files.Get "files/topics.json" | fromJson).topics }}{{ if .requests }}{{ .partitions }}{{ end }}{{ end -}}
{{- end }}

{{- define "terrafusion.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "terrafusion.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where Kafka is and who asks, and what all processes share. Takes root and user. */}}
{{- define "terrafusion.environment" -}}
{{- $kafka := .root.Values.kafka -}}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ $kafka.bootstrapServers | quote }}}
- {name: KAFKA_SECURITY_PROTOCOL, value: {{ $kafka.securityProtocol }}}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
- {name: KAFKA_SASL_MECHANISM, value: {{ $kafka.saslMechanism }}}
- {name: KAFKA_SASL_USERNAME, value: {{ .user | quote }}}
- name: KAFKA_SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .user | quote }}, key: password}}
{{- end }}
{{- if and $kafka.caSecret (hasSuffix "SSL" $kafka.securityProtocol) }}
- {name: KAFKA_SSL_CAFILE, value: /kafka/ca/ca.crt}
{{- end }}
{{- if eq $kafka.securityProtocol "SSL" }}
- {name: KAFKA_SSL_CERTFILE, value: /kafka/user/user.crt}
- {name: KAFKA_SSL_KEYFILE, value: /kafka/user/user.key}
{{- end }}
{{- with .root.Values.topicPrefix }}
- {name: TOPIC_PREFIX, value: {{ . | quote }}}
{{- end }}
- {name: LOG_LEVEL, value: {{ .root.Values.logLevel }}}
{{- with .root.Values.telemetry }}
{{- if .otlpEndpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .otlpEndpoint | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: {{ .sampler | quote }}}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ .samplerArgument | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "terrafusion.kafkaVolumes" -}}
{{- $kafka := .root.Values.kafka -}}
{{- if and $kafka.caSecret (hasSuffix "SSL" $kafka.securityProtocol) }}
- {name: kafka-ca, secret: {secretName: {{ $kafka.caSecret | quote }}}}
{{- end }}
{{- if eq $kafka.securityProtocol "SSL" }}
- {name: kafka-user, secret: {secretName: {{ .user | quote }}}}
{{- end }}
{{- end }}

{{- define "terrafusion.kafkaMounts" -}}
{{- $kafka := .root.Values.kafka -}}
{{- if and $kafka.caSecret (hasSuffix "SSL" $kafka.securityProtocol) }}
- {name: kafka-ca, mountPath: /kafka/ca, readOnly: true}
{{- end }}
{{- if eq $kafka.securityProtocol "SSL" }}
- {name: kafka-user, mountPath: /kafka/user, readOnly: true}
{{- end }}
{{- end }}

{{/* Where a pod may run, and who it is. */}}
{{- define "terrafusion.pod" -}}
automountServiceAccountToken: false
securityContext: {{- include "terrafusion.podSecurity" .root | nindent 2 }}
terminationGracePeriodSeconds: 20
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "terrafusion.selector" . | nindent 8 }}
{{- end }}

{{/* The three probes of a process. Takes the port's name and how long a start may take. */}}
{{- define "terrafusion.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}
