{{/* Names: of the release alone when it says pointsman already. */}}
{{- define "pointsman.name" -}}
{{- if contains "pointsman" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-pointsman" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What never changes in an installation: selectors. Call with (list $ "router"). */}}
{{- define "pointsman.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: pointsman
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "pointsman.labels" -}}
{{- $top := index . 0 -}}
{{ include "pointsman.selector" . }}
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $top.Chart.Name $top.Chart.Version }}
{{- end }}

{{/* (list $ IMAGE-VALUES DEFAULT-REPOSITORY) */}}
{{- define "pointsman.image" -}}
{{- $top := index . 0 -}}{{- $image := index . 1 -}}
{{- $name := $image.repository | default (index . 2) -}}
{{- $path := ternary (printf "%s/%s" $top.Values.image.registry $name) $name (ne $top.Values.image.registry "") -}}
{{- if $image.digest }}{{ $path }}@{{ $image.digest }}{{ else }}{{ $path }}:{{ $top.Values.image.tag | default $top.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "pointsman.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "pointsman.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "pointsman.operatorAddress" -}}
{{ include "pointsman.name" . }}-operator.{{ .Release.Namespace }}.svc:8083
{{- end }}

{{- define "pointsman.operatorSecret" -}}
{{- if .Values.certificates.managed }}{{ include "pointsman.name" . }}-operator-tls{{ else }}{{ required "certificates.operatorSecret: name a Secret, or set certificates.managed" .Values.certificates.operatorSecret }}{{ end }}
{{- end }}

{{- define "pointsman.routerSecret" -}}
{{- if .Values.certificates.managed }}{{ include "pointsman.name" . }}-router-tls{{ else }}{{ required "certificates.routerSecret: name a Secret, or set certificates.managed" .Values.certificates.routerSecret }}{{ end }}
{{- end }}

{{- define "pointsman.tritonAddress" -}}
{{ .Values.triton.address | default (printf "%s-triton.%s.svc:8001" (include "pointsman.name" .) .Release.Namespace) }}
{{- end }}

{{/* Whether we run Triton ourselves. */}}
{{- define "pointsman.runsTriton" -}}
{{- if and (eq .Values.router.classifier "Triton") (not .Values.triton.address) }}yes{{ end }}
{{- end }}

{{/* (list $ "router"): the standard variables of OpenTelemetry. */}}
{{- define "pointsman.telemetry" -}}
{{- $top := index . 0 -}}
{{- with $top.Values.telemetry }}{{ if .endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }}}
- {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: {{ .protocol | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: {{ .sampler | quote }}}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ .samplerArg | quote }}}
- {name: OTEL_METRICS_EXPORTER, value: {{ .metricsExporter | quote }}}
- {name: OTEL_SERVICE_NAME, value: pointsman-{{ index $ 1 }}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name=$(POINTSMAN_NAMESPACE),k8s.pod.name=$(POINTSMAN_POD_NAME)
{{- end }}{{ end }}
{{- end }}

{{- define "pointsman.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
