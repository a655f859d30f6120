{{/* The pods of components, as peers of a network policy: include "lagless.network.pods" (list . "producer" "consumer") */}}
{{- define "lagless.network.pods" -}}
{{- $root := index . 0 -}}
{{- range rest . }}
- podSelector:
    matchLabels:
      {{- include "lagless.selector" (list $root .) | nindent 6 }}
{{- end }}
{{- end }}

{{/* Who may talk to Kafka. */}}
{{- define "lagless.network.kafkaClients" -}}
{{- include "lagless.network.pods" (list . "producer" "consumer" "monitor") | trim }}
{{- if include "lagless.tests" . }}
{{ include "lagless.network.pods" (list . "test") | trim }}
{{- end }}
{{- if and (eq .Values.autoscaling.source "keda") (eq .Values.autoscaling.keda.trigger "kafka") }}
{{ toYaml .Values.networkPolicies.keda }}
{{- end }}
{{- end }}

{{/* Names, and Kafka: what every component may reach. */}}
{{- define "lagless.network.egress" -}}
- to:
    {{- toYaml .Values.networkPolicies.dns | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- if .Values.kafka.strimzi.enabled }}
- to:
    - podSelector:
        matchLabels:
          strimzi.io/cluster: {{ .Values.kafka.strimzi.name }}
          strimzi.io/name: {{ .Values.kafka.strimzi.name }}-kafka
  ports:
    - {protocol: TCP, port: 9093}
{{- else }}
- ports:
    {{- range include "lagless.kafka.ports" . | fromJsonArray }}
    - {protocol: TCP, port: {{ . | int }}}
    {{- end }}
{{- end }}
{{- with .Values.networkPolicies.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* To the API server. Policies may be judged by its Service's port, or by the one it listens on. */}}
{{- define "lagless.network.apiServer" -}}
- ports:
    {{- range .Values.networkPolicies.apiServerPorts }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.networkPolicies.apiServer }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  {{- end }}
{{- end }}
