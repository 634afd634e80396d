{{/* A probe of PATH: dict "root" $ "path" "/-/ready" "timeout" 5. A timeout of 0 is left to the kubelet. The health check itself waits for 5 s. */}}
{{- define "exporter.probe" -}}
{{- $scheme := include "exporter.scheme" .root -}}
{{- if and .root.Values.web.existingSecret (eq .root.Values.web.probe "exec") -}}
exec:
  command: [/usr/bin/genesyscloud-oauth-exporter, healthcheck, "--url={{ $scheme }}://127.0.0.1:9847{{ .path }}"]
timeoutSeconds: 6
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if eq $scheme "https" }}
  scheme: HTTPS
  {{- end }}
{{- with .timeout }}
timeoutSeconds: {{ . }}
{{- end }}
{{- end -}}
{{- end -}}
