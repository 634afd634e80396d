{{/* What values.schema.json cannot say. */}}
{{- define "exporter.checks" -}}
{{- $one := .Values.organisation -}}
{{- if and .Values.demo .Values.organisations -}}
{{- fail "demo and organisations exclude each other" -}}
{{- end -}}
{{- if .Values.organisations -}}
{{- if or $one.region $one.apiUrl $one.loginUrl -}}
{{- fail "organisation and organisations exclude each other: leave organisation.region, apiUrl and loginUrl empty" -}}
{{- end -}}
{{- if or .Values.files.policy .Values.files.baseline -}}
{{- fail "files.policy and files.baseline are for one organisation: with organisations, set policy_file and baseline_file there or in defaults" -}}
{{- end -}}
{{- $seen := dict -}}
{{- range .Values.organisations -}}
{{- if hasKey $seen (trim .org) -}}
{{- fail (printf "organisations has %q twice: every organisation needs a name of its own" .org) -}}
{{- end -}}
{{- $_ := set $seen (trim .org) true -}}
{{- end -}}
{{- else -}}
{{- if .Values.defaults -}}
{{- fail "defaults is for organisations, which is empty: use settings" -}}
{{- end -}}
{{- if not (or .Values.demo $one.region (and $one.apiUrl $one.loginUrl)) -}}
{{- fail "set organisation.region to an AWS region such as eu-west-1 or a domain such as mypurecloud.ie, or list several organisations; to try it without an account: demo=true" -}}
{{- end -}}
{{- if gt (int .Values.shards) 1 -}}
{{- fail "shards is for organisations, which is empty: one organisation has one pod" -}}
{{- end -}}
{{- end -}}
{{- if and (or .Values.files.policy .Values.files.baseline) (not .Values.files.existingConfigMap) -}}
{{- fail "files.policy and files.baseline are keys of files.existingConfigMap, which is empty" -}}
{{- end -}}
{{- if and .Values.web.tlsSecret (not .Values.web.existingSecret) -}}
{{- fail "web.tlsSecret needs web.existingSecret: the web configuration file names its files" -}}
{{- end -}}
{{- end -}}
