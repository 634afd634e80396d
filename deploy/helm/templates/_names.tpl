{{/* Names, labels and paths. */}}
{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "exporter.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exporter.labels" -}}
{{ include "exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}

{{- define "exporter.metadata" -}}
name: {{ include "exporter.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "exporter.labels" . | nindent 2 }}
{{- end -}}

{{- define "exporter.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "exporter.secretFolder" -}}/run/secrets/genesyscloud-oauth-exporter{{- end -}}
{{- define "exporter.webFolder" -}}/run/secrets/genesyscloud-oauth-exporter-web{{- end -}}
{{- define "exporter.filesFolder" -}}/etc/genesyscloud-oauth-exporter{{- end -}}
{{- define "exporter.stateFolder" -}}/var/lib/genesyscloud-oauth-exporter{{- end -}}

{{- define "exporter.scheme" -}}
{{- if and .Values.web.existingSecret .Values.web.tls -}}https{{- else -}}http{{- end -}}
{{- end -}}

{{/* A value as text: what is no string is written as in JSON, because 1000000 would become 1e+06. */}}
{{- define "exporter.text" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else -}}{{ toJson . }}{{- end -}}
{{- end -}}
