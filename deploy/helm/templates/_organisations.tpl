{{/* The configuration file. A JSON string, number, truth value or list of strings is the same in TOML. */}}
{{- define "exporter.organisations" -}}
# Made by the Helm chart.
{{ with .Values.defaults -}}
[defaults]
{{ range $key, $value := . -}}
{{ $key }} = {{ toJson $value }}
{{ end }}
{{ end -}}
{{ range .Values.organisations -}}
[[organisation]]
{{ range $key, $value := omit . "secret" -}}
{{ $key }} = {{ toJson $value }}
{{ end -}}
client_secret_file = {{ printf "%s/%s/%s" (include "exporter.secretFolder" $) .secret.name (.secret.key | default "client-secret") | toJson }}

{{ end -}}
{{- end -}}

{{/* The volume of the secrets of all organisations. A Secret, and a key of it, may be used by several. */}}
{{- define "exporter.organisationSecrets" -}}
{{- $secrets := dict -}}
{{- range .Values.organisations -}}
{{- $keys := get $secrets .secret.name | default dict -}}
{{- $_ := set $keys (.secret.key | default "client-secret") true -}}
{{- $_ := set $secrets .secret.name $keys -}}
{{- end -}}
projected:
  defaultMode: 0400
  sources:
    {{- range $name, $keys := $secrets }}
    - secret:
        name: {{ $name | quote }}
        # Without the Secret of one organisation, the others are audited.
        optional: true
        items:
          {{- range $key, $_ := $keys }}
          - {key: {{ $key | quote }}, path: {{ printf "%s/%s" $name $key | quote }}}
          {{- end }}
    {{- end }}
{{- end -}}
