{{/* What is mounted where: lists, or nothing. */}}
{{- define "exporter.mounts" -}}
{{- $mounts := list -}}
{{- if .Values.persistence.enabled -}}
{{- $mounts = append $mounts (dict "name" "state" "mountPath" (include "exporter.stateFolder" .)) -}}
{{- end -}}
{{- if not .Values.demo -}}
{{- $mounts = append $mounts (dict "name" "secret" "mountPath" (include "exporter.secretFolder" .) "readOnly" true) -}}
{{- end -}}
{{- if or .Values.organisations .Values.files.existingConfigMap -}}
{{- $mounts = append $mounts (dict "name" "files" "mountPath" (include "exporter.filesFolder" .) "readOnly" true) -}}
{{- end -}}
{{- if .Values.web.existingSecret -}}
{{- $mounts = append $mounts (dict "name" "web" "mountPath" (include "exporter.webFolder" .) "readOnly" true) -}}
{{- end -}}
{{- with concat $mounts .Values.extraVolumeMounts -}}{{ toYaml . }}{{- end -}}
{{- end -}}

{{- define "exporter.volumes" -}}
{{- if .Values.organisations -}}
- name: secret
  {{- include "exporter.organisationSecrets" . | nindent 2 }}
- name: files
  projected:
    sources:
      - configMap:
          name: {{ include "exporter.fullname" . }}-organisations
      {{- with .Values.files.existingConfigMap }}
      - configMap:
          name: {{ . | quote }}
      {{- end }}
{{- else }}
{{- if not .Values.demo -}}
- name: secret
  secret:
    secretName: {{ .Values.organisation.secret.name | default (include "exporter.fullname" .) }}
    defaultMode: 0400
    items:
      - key: {{ .Values.organisation.secret.clientSecretKey }}
        path: client-secret
{{- end }}
{{- with .Values.files.existingConfigMap }}
- name: files
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .Values.web.existingSecret }}
- name: web
  projected:
    defaultMode: 0400
    sources:
      - secret:
          name: {{ .Values.web.existingSecret | quote }}
      {{- with .Values.web.tlsSecret }}
      - secret:
          name: {{ . | quote }}
      {{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
