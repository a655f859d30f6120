{{/* How fast the number of consumers may change: at once upwards; the planner has its own patience. */}}
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
  stabilizationWindowSeconds: {{ .Values.autoscaling.scaleDownAfterSeconds | int }}
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
{{- end }}
