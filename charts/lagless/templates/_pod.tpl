{{/*
A component's pod template, by the restricted Pod Security Standard. Its parts come as
  dict "root" . "component" "consumer" "env" ENV "volumes" VOLUMES "ports" PORTS "graceSeconds" 20 "serviceAccountToken" false
where ENV, VOLUMES and PORTS are lists; a volume is mounted at /etc/lagless/NAME.
*/}}
{{- define "lagless.pod" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- $own := index $root.Values $component -}}
{{- $pods := $root.Values.pods -}}
metadata:
  labels:
    {{- /* No version here: pods are to roll when something changes for them, and not else. */}}
    {{- include "lagless.selector" (list $root $component) | nindent 4 }}
    app.kubernetes.io/part-of: lagless
    {{- with $pods.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ $component }}
    {{- with $pods.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ $component }}
  automountServiceAccountToken: {{ .serviceAccountToken | default false }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .graceSeconds }}
  {{- with $pods.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ $component }}
      image: {{ include "lagless.image" (list $root $component) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      env:
        {{- $env := concat (.env | fromYamlArray) (include "lagless.kafka.env" (list $root $component) | fromYamlArray) }}
        {{- $env = append $env (dict "name" "RUST_LOG" "value" $root.Values.log) }}
        {{- with $root.Values.tracing.endpoint }}
        {{- $env = append $env (dict "name" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" .) }}
        {{- $env = append $env (dict "name" "OTEL_TRACES_SAMPLER_ARG" "value" ($root.Values.tracing.ratio | toString)) }}
        {{- end }}
        {{- /* What is said of a service itself goes before what the chart says. */}}
        {{- range $env }}
        {{- if not (hasKey $own.env .name) }}
        {{- list . | toYaml | nindent 8 }}
        {{- end }}
        {{- end }}
        {{- range $name, $value := $own.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - {name: http, containerPort: 8080}
        {{- with .ports }}
        {{- . | nindent 8 }}
        {{- end }}
      livenessProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      resources:
        {{- toYaml $own.resources | nindent 8 }}
      {{- $volumes := concat (.volumes | default list) (include "lagless.kafka.volumes" (list $root $component) | fromYamlArray) }}
      {{- with $volumes }}
      volumeMounts:
        {{- range . }}
        - {name: {{ .name }}, mountPath: /etc/lagless/{{ .name }}, readOnly: true}
        {{- end }}
      {{- end }}
  {{- with $volumes }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq $component "consumer" }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "lagless.selector" (list $root $component) | nindent 10 }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* What is the same of every component: its account and its Service. */}}
{{- define "lagless.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "lagless.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end }}

{{/* include "lagless.service" (list . "monitor" "- {name: …}") where the third, more ports, may be missing */}}
{{- define "lagless.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "lagless.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "lagless.selector" . | nindent 4 }}
  ports:
    - {name: http, port: 80, targetPort: http}
    {{- if gt (len .) 2 }}
    {{- index . 2 | nindent 4 }}
    {{- end }}
{{- end }}
