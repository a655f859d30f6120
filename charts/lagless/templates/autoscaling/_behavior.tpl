{{/* How fast the number of consumers may change: at once upwards; downwards the planner has its own patience. */}}
{{- define "lagless.autoscaling.behavior" -}}
{{- /* By default a difference of up to 10 % moves nothing: above ten consumers, one too few would stay so for ever. */}}
{{- $exact := semverCompare ">=1.35-0" .Capabilities.KubeVersion.Version -}}
scaleUp:
  {{- if $exact }}
  tolerance: 0
  {{- end }}
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - {type: Pods, value: {{ include "lagless.maxReplicas" . }}, periodSeconds: 15}
scaleDown:
  {{- if $exact }}
  tolerance: 0
  {{- end }}
  {{- $patience := .Values.autoscaling.scaleDownAfterSeconds }}
  {{- if kindIs "invalid" $patience }}
  {{- $byLag := and (eq .Values.autoscaling.source "keda") (eq .Values.autoscaling.keda.trigger "kafka") }}
  {{- $patience = ternary 60 30 $byLag }}
  {{- end }}
  stabilizationWindowSeconds: {{ $patience | int }}
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
{{- end }}
