{{/* The variables of the container. */}}
{{- define "exporter.env" -}}
{{- $prefix := "GENESYSCLOUD_OAUTH_EXPORTER" -}}
- name: {{ $prefix }}_WEB_LISTEN_ADDRESS
  value: ":9847"
{{- if .Values.organisations }}
- name: {{ $prefix }}_CONFIG_FILE
  value: {{ include "exporter.filesFolder" . }}/organisations.toml
- name: {{ $prefix }}_STATE_DIR
  value: {{ ternary (include "exporter.stateFolder" .) "" .Values.persistence.enabled | quote }}
{{- if gt (int .Values.shards) 1 }}
- name: {{ $prefix }}_SHARD_TOTAL
  value: {{ include "exporter.text" .Values.shards | quote }}
# The number at the end of the pod's name.
- name: {{ $prefix }}_SHARD_INDEX
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
{{- else }}
- name: {{ $prefix }}_STATE_FILE
  value: {{ ternary (printf "%s/state.json" (include "exporter.stateFolder" .)) "" .Values.persistence.enabled | quote }}
{{- if not .Values.demo }}
{{- with .Values.organisation }}
- name: GENESYSCLOUD_ORG
  value: {{ .org | quote }}
{{- range $variable, $value := dict "GENESYSCLOUD_REGION" .region "GENESYSCLOUD_API_URL" .apiUrl "GENESYSCLOUD_LOGIN_URL" .loginUrl }}
{{- if $value }}
- name: {{ $variable }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
- name: GENESYSCLOUD_OAUTHCLIENT_ID
  valueFrom:
    secretKeyRef:
      name: {{ .secret.name | default (include "exporter.fullname" $) }}
      key: {{ .secret.clientIdKey }}
{{- end }}
# A file instead of a variable: the kubelet updates it when the secret changes, and the exporter reads it for each new token.
- name: GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE
  value: {{ include "exporter.secretFolder" . }}/client-secret
{{- range $setting, $key := dict "POLICY_FILE" .Values.files.policy "BASELINE_FILE" .Values.files.baseline }}
{{- if $key }}
- name: {{ $prefix }}_{{ $setting }}
  value: {{ include "exporter.filesFolder" $ }}/{{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.web.existingSecret }}
- name: {{ $prefix }}_WEB_CONFIG_FILE
  value: {{ include "exporter.webFolder" . }}/{{ .Values.web.configKey }}
{{- end }}
{{- range $flag, $value := .Values.settings }}
- name: {{ $prefix }}_{{ $flag | upper | replace "." "_" | replace "-" "_" }}
  value: {{ include "exporter.text" $value | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
