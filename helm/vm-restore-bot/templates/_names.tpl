{{- define "bot.short" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* At most so many characters, and two long names stay two: what is cut off goes into a hash. */}}
{{- define "bot.cut" -}}
{{- if gt (len .name) (int .most) }}{{ printf "%s-%s" (trunc (int (sub .most 11)) .name | trimSuffix "-" | trimSuffix ".") (sha256sum .name | trunc 10) }}
{{- else }}{{ .name }}{{ end }}
{{- end }}

{{- /* Of everything in the release's namespace. A release may have dots, a Service may not. */}}
{{- define "bot.name" -}}
{{- $short := include "bot.short" . }}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name $short) (contains $short .Release.Name) }}
{{- include "bot.cut" (dict "name" (default $name .Values.fullnameOverride | replace "." "-") "most" 52) }}
{{- end }}

{{- /* Of roles, which stand in namespaces of others or in none: a namespace has no colon. */}}
{{- define "bot.role" -}}
{{ .Release.Namespace }}:{{ include "bot.name" . }}
{{- end }}

{{- /* All pods of the release: the bots and the one of `helm test`. */}}
{{- define "bot.release" -}}
app.kubernetes.io/name: {{ include "bot.short" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bot.selector" -}}
{{ include "bot.release" . }}
app.kubernetes.io/component: bot
{{- end }}

{{- define "bot.about" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "bot.labels" -}}
{{ include "bot.release" . }}
{{ include "bot.about" . }}
{{- end }}

{{- define "bot.account" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "bot.name" .) }}
{{- else }}{{ required "serviceAccount.name: name the account that is there, or leave serviceAccount.create on; the account `default` gets no rights" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "bot.image" -}}
{{- $repository := required "image.repository: name the image you built from the Dockerfile" .Values.image.repository }}
{{- if .Values.image.digest }}{{ $repository }}@{{ .Values.image.digest }}
{{- else }}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* A name that no other release in the cluster has, in the form of a label's value: a namespace has no dot. */}}
{{- define "bot.installation" -}}
{{- include "bot.cut" (dict "name" (printf "%s.%s" .Release.Namespace .Release.Name) "most" 63) }}
{{- end }}

{{- define "bot.configmap" -}}
{{ .Values.existingConfigMap | default (include "bot.name" .) }}
{{- end }}

{{- define "bot.host" -}}
{{- if and .Values.ingress.enabled .Values.ingress.host }}{{ .Values.ingress.host }}
{{- else if and .Values.route.enabled .Values.route.host }}{{ .Values.route.host }}
{{- else }}YOUR-ADDRESS{{ end }}
{{- end }}

{{- /* The bot's file: what the values say, and what only the chart can know. */}}
{{- define "bot.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $_ := set $config "http" (dict "host" "0.0.0.0" "port" 8080 "slack_port" 8081) }}
{{- $_ := set $config "store" (merge (dict "data_dir" "/var/lib/vm-restore-bot") ($config.store | default dict)) }}
{{- if not (hasKey $config "installation") }}
{{- $_ := set $config "installation" (include "bot.installation" .) }}
{{- end }}
{{- if not (hasKey $config "clusters") }}
{{- $_ := set $config "clusters" (dict "default" (dict "namespaces" .Values.namespaces)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- /* Values that do not go together. */}}
{{- define "bot.sound" -}}
{{- $elsewhere := or (hasKey .Values.config "clusters") .Values.existingConfigMap }}
{{- if and .Values.namespaces .Values.clusterWide }}
{{- fail "namespaces, clusterWide: name namespaces or set clusterWide: true, not both" }}
{{- end }}
{{- if and (not .Values.namespaces) (not .Values.clusterWide) (or .Values.rbac.create (not $elsewhere)) }}
{{- fail "namespaces: name the namespaces with the VMs, or set clusterWide: true, which gives rights to delete VMIs and restores in every namespace (rbac.create: false gives none)" }}
{{- end }}
{{- if and (not .Values.redis.existingSecret) (gt (int .Values.replicas) 1) }}
{{- fail "replicas: more than one needs a Redis they share; set redis.existingSecret" }}
{{- end }}
{{- if and .Values.existingConfigMap (ne (toJson .Values.config) (toJson (dict "access" (dict "grants" list)))) }}
{{- fail "config: is not read where existingConfigMap is set; write it into that ConfigMap" }}
{{- end }}
{{- if and (or .Values.ingress.enabled .Values.route.enabled) (ne .Values.slack.mode "http") }}
{{- fail "ingress, route: in Socket Mode nothing comes in; set slack.mode: http, or leave both off" }}
{{- end }}
{{- end }}
