{{/* Labels of a component's resources: include "lagless.labels" (list . "consumer") */}}
{{- define "lagless.labels" -}}
{{- $root := index . 0 -}}
{{ include "lagless.selector" . }}
app.kubernetes.io/part-of: lagless
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The labels by which a component's pods are selected; they never change. */}}
{{- define "lagless.selector" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}

{{/* A component's image: its own, or the common registry, repository and tag. */}}
{{- define "lagless.image" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $image := $root.Values.image -}}
{{- $own := (index $root.Values $component | default dict).image -}}
{{- if $own -}}
{{ $own }}
{{- else -}}
{{ with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}/{{ $component }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* "true" while the monitor serves the external metrics API. */}}
{{- define "lagless.servesExternalMetrics" -}}
{{- if and .Values.monitor.enabled (eq .Values.autoscaling.source "monitor") -}}true{{- end -}}
{{- end }}

{{/* How many consumers there may be at most. */}}
{{- define "lagless.maxReplicas" -}}
{{ .Values.autoscaling.maxReplicas | default .Values.topics.updates.partitions | int }}
{{- end }}

{{/* GROUP:TOPIC pairs the monitor watches: a JSON list. */}}
{{- define "lagless.watched" -}}
{{ prepend .Values.monitor.groups (printf "%s:%s" .Values.group .Values.topics.updates.name) | uniq | toJson }}
{{- end }}

{{/* "true" where the test can look at the topics: it needs their names and, with a login, one of its own. */}}
{{- define "lagless.tests" -}}
{{- $kafka := .Values.kafka -}}
{{- $login := or $kafka.strimzi.enabled $kafka.credentials.test (eq $kafka.securityProtocol "PLAINTEXT") -}}
{{- if and .Values.test.enabled .Values.topics.output.name $login -}}true{{- end -}}
{{- end }}
