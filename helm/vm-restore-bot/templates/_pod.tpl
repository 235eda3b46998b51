{{- /* What the bot and its check have in common. */}}
{{- define "bot.env" -}}
- name: VM_RESTORE_CONFIG
  value: /etc/vm-restore-bot/config.yaml
- name: SLACK_BOT_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ .Values.slack.existingSecret }}, key: SLACK_BOT_TOKEN}
{{- $second := ternary "SLACK_APP_TOKEN" "SLACK_SIGNING_SECRET" (eq .Values.slack.mode "socket") }}
- name: {{ $second }}
  valueFrom:
    secretKeyRef: {name: {{ .Values.slack.existingSecret }}, key: {{ $second }}}
{{- with .Values.redis.existingSecret }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: REDIS_URL}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "bot.container" -}}
image: {{ include "bot.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env: {{- include "bot.env" . | nindent 2 }}
{{- with .Values.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/vm-restore-bot, readOnly: true}
  - {name: tmp, mountPath: /tmp}
  {{- if not .Values.redis.existingSecret }}
  - {name: data, mountPath: /var/lib/vm-restore-bot}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "bot.pod" -}}
serviceAccountName: {{ include "bot.account" . }}
automountServiceAccountToken: true
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- with .Values.podSecurityContext }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "bot.volumes" -}}
- name: config
  configMap: {name: {{ include "bot.configmap" . }}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* By default over nodes and zones, where that is possible: a bot that cannot be spread still runs. */}}
{{- define "bot.spread" -}}
{{- $selector := dict "matchLabels" (include "bot.selector" . | fromYaml) }}
{{- $constraints := .Values.topologySpreadConstraints }}
{{- if not $constraints }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway") }}
{{- end }}
{{- end }}
{{- $whole := list }}
{{- range $constraints }}
{{- $whole = append $whole (hasKey . "labelSelector" | ternary . (merge (deepCopy .) (dict "labelSelector" $selector))) }}
{{- end }}
{{- toYaml $whole }}
{{- end }}
