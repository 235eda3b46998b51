{{- define "bot.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "bot.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bot.labels" -}}
{{ include "bot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "bot.account" -}}
{{ default (ternary (include "bot.name" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "bot.image" -}}
{{- $repository := required "image.repository: name the image you built from the Dockerfile" .Values.image.repository }}
{{- if .Values.image.digest }}{{ $repository }}@{{ .Values.image.digest }}
{{- else }}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* A name that no other release in the cluster has, in the form of a label's value: a namespace has no dot. */}}
{{- define "bot.installation" -}}
{{- $name := printf "%s.%s" .Release.Namespace .Release.Name }}
{{- if gt (len $name) 63 }}{{ printf "%s-%s" (trunc 52 $name) (sha256sum $name | trunc 10) }}
{{- else }}{{ $name }}{{ end }}
{{- end }}

{{- /* The bot's file: what the values say, and what only the chart can know. */}}
{{- define "bot.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $_ := set $config "http" (dict "host" "0.0.0.0" "port" 8080) }}
{{- $_ := set $config "store" (merge (dict "data_dir" "/var/lib/vm-restore-bot") ($config.store | default dict)) }}
{{- if not (hasKey $config "installation") }}
{{- $_ := set $config "installation" (include "bot.installation" .) }}
{{- end }}
{{- if not (hasKey $config "clusters") }}
{{- $_ := set $config "clusters" (dict "default" (dict "namespaces" .Values.namespaces)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
