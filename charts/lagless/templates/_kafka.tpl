{{/* Brokers to ask first. */}}
{{- define "lagless.kafka.bootstrapServers" -}}
{{- if .Values.kafka.strimzi.enabled -}}
{{ .Values.kafka.strimzi.name }}-kafka-bootstrap.{{ .Release.Namespace }}.svc:9093
{{- else -}}
{{ .Values.kafka.bootstrapServers }}
{{- end -}}
{{- end }}

{{- define "lagless.kafka.securityProtocol" -}}
{{- if not .Values.kafka.strimzi.enabled -}}
{{ .Values.kafka.securityProtocol }}
{{- else if eq .Values.kafka.strimzi.authentication "tls" -}}
SSL
{{- else -}}
SASL_SSL
{{- end -}}
{{- end }}

{{- define "lagless.kafka.saslMechanism" -}}
{{ ternary "SCRAM-SHA-512" .Values.kafka.saslMechanism .Values.kafka.strimzi.enabled }}
{{- end }}

{{/* The Secret with a component's credentials, empty for none; Strimzi names it after the user. */}}
{{- define "lagless.kafka.secret" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- if $root.Values.kafka.strimzi.enabled -}}
{{ $component }}
{{- else -}}
{{ index $root.Values.kafka.credentials $component }}
{{- end -}}
{{- end }}

{{/* The Secret with the authority that vouches for the brokers, empty for the system's. */}}
{{- define "lagless.kafka.caSecret" -}}
{{- if .Values.kafka.strimzi.enabled -}}
{{ .Values.kafka.strimzi.name }}-cluster-ca-cert
{{- else -}}
{{ .Values.kafka.caSecret }}
{{- end -}}
{{- end }}

{{/* How a component reaches Kafka, as environment variables. A Secret that is not there yet makes its pod wait. */}}
{{- define "lagless.kafka.env" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $protocol := include "lagless.kafka.securityProtocol" $root -}}
{{- $secret := include "lagless.kafka.secret" . -}}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ include "lagless.kafka.bootstrapServers" $root | quote }}
- name: KAFKA_SECURITY_PROTOCOL
  value: {{ $protocol }}
{{- if hasPrefix "SASL_" $protocol }}
- name: KAFKA_SASL_MECHANISM
  value: {{ include "lagless.kafka.saslMechanism" $root }}
- name: KAFKA_SASL_USERNAME
  {{- if $root.Values.kafka.strimzi.enabled }}
  value: {{ $component }}
  {{- else }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: username}
  {{- end }}
- name: KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: password}
{{- end }}
{{- if and (hasSuffix "SSL" $protocol) (include "lagless.kafka.caSecret" $root) }}
- name: KAFKA_SSL_CA_FILE
  value: /etc/lagless/kafka-ca/ca.crt
{{- end }}
{{- if and (eq $protocol "SSL") $secret }}
- name: KAFKA_SSL_CERTIFICATE_FILE
  value: /etc/lagless/kafka-user/user.crt
- name: KAFKA_SSL_KEY_FILE
  value: /etc/lagless/kafka-user/user.key
{{- end }}
{{- end }}

{{/* The files those variables name: a list of volumes whose names are those of their folders. */}}
{{- define "lagless.kafka.volumes" -}}
{{- $root := index . 0 -}}
{{- $protocol := include "lagless.kafka.securityProtocol" $root -}}
{{- $secret := include "lagless.kafka.secret" . -}}
{{- $ca := include "lagless.kafka.caSecret" $root -}}
{{- if and (hasSuffix "SSL" $protocol) $ca }}
- name: kafka-ca
  secret:
    secretName: {{ $ca }}
    items:
      - {key: ca.crt, path: ca.crt}
{{- end }}
{{- if and (eq $protocol "SSL") $secret }}
- name: kafka-user
  secret:
    secretName: {{ $secret }}
    items:
      - {key: user.crt, path: user.crt}
      - {key: user.key, path: user.key}
{{- end }}
{{- end }}

{{/* The ports on which brokers of another Kafka listen: a JSON list. */}}
{{- define "lagless.kafka.ports" -}}
{{- $ports := list -}}
{{- range splitList "," .Values.kafka.bootstrapServers -}}
{{- $ports = append $ports (splitList ":" . | last | trim | int) -}}
{{- end -}}
{{ uniq $ports | toJson }}
{{- end }}
