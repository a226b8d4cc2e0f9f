{{/* What the controller is told: settings as environment variables, credentials as files that the kubelet mounts. */}}

{{- define "gpu-autoscaler.env" -}}
- name: GPU_AUTOSCALER_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- $folder := "/etc/gpu-autoscaler/prometheus" }}
{{- $files := dict }}
{{- $said := dict
  "GPU_AUTOSCALER_POLICIES" "/etc/gpu-autoscaler/policies"
  "GPU_AUTOSCALER_PROMETHEUS" .Values.prometheus.url
  "GPU_AUTOSCALER_PROMETHEUS_TENANT" .Values.prometheus.tenant
  "GPU_AUTOSCALER_PLACEHOLDER_IMAGE" .Values.placeholders.image
  "GPU_AUTOSCALER_PLACEHOLDER_PRIORITY_CLASS" (include "gpu-autoscaler.priorityClass" .)
  "GPU_AUTOSCALER_LEASE" (include "gpu-autoscaler.fullname" .)
  "GPU_AUTOSCALER_LEASE_S" (.Values.settings.leaseSeconds | int | toString)
  "GPU_AUTOSCALER_TICK_S" .Values.settings.tick
  "GPU_AUTOSCALER_NODE_LEAD_S" .Values.settings.nodeLead
  "GPU_AUTOSCALER_REPLICA_LEAD_S" .Values.settings.replicaLead
  "GPU_AUTOSCALER_HISTORY_S" .Values.settings.history
  "GPU_AUTOSCALER_STOP_S" .Values.settings.stop
  "GPU_AUTOSCALER_LOG_FORMAT" .Values.settings.logFormat
  "GPU_AUTOSCALER_LISTEN" (printf "%s:%d" .Values.metrics.address (int .Values.metrics.port)) }}
{{- with .Values.placeholders.labels }}
{{- $_ := set $said "GPU_AUTOSCALER_PLACEHOLDER_LABELS" (toJson .) }}
{{- end }}
{{- with .Values.placeholders.annotations }}
{{- $_ := set $said "GPU_AUTOSCALER_PLACEHOLDER_ANNOTATIONS" (toJson .) }}
{{- end }}
{{- with .Values.prometheus }}
{{- if .bearerToken.secret }}
{{- $_ := set $said "GPU_AUTOSCALER_PROMETHEUS_TOKEN_FILE" (printf "%s/token/%s" $folder .bearerToken.key) }}
{{- end }}
{{- if .basicAuth.secret }}
{{- $_ := set $said "GPU_AUTOSCALER_PROMETHEUS_USER_FILE" (printf "%s/basic/%s" $folder .basicAuth.usernameKey) }}
{{- $_ := set $said "GPU_AUTOSCALER_PROMETHEUS_PASSWORD_FILE" (printf "%s/basic/%s" $folder .basicAuth.passwordKey) }}
{{- end }}
{{- if or .ca.secret .ca.configMap }}
{{- $_ := set $said "GPU_AUTOSCALER_PROMETHEUS_CA_FILE" (printf "%s/ca/%s" $folder .ca.key) }}
{{- end }}
{{- if .clientCertificate.secret }}
{{- $_ := set $said "GPU_AUTOSCALER_PROMETHEUS_CERTIFICATE_FILE" (printf "%s/client/%s" $folder .clientCertificate.certificateKey) }}
{{- $_ := set $said "GPU_AUTOSCALER_PROMETHEUS_KEY_FILE" (printf "%s/client/%s" $folder .clientCertificate.privateKeyKey) }}
{{- end }}
{{- end }}
{{- range $name, $value := $said }}
{{- with $value }}
- name: {{ $name }}
  value: {{ quote . }}
{{- end }}
{{- end }}
{{- with .Values.pod.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gpu-autoscaler.mounts" -}}
- name: policies
  mountPath: /etc/gpu-autoscaler/policies
  readOnly: true
{{- range $name := include "gpu-autoscaler.secrets" . | fromYaml | keys | sortAlpha }}
- name: prometheus-{{ $name }}
  mountPath: /etc/gpu-autoscaler/prometheus/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.pod.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gpu-autoscaler.volumes" -}}
- name: policies
  configMap:
    name: {{ include "gpu-autoscaler.policies" . }}
{{- range $name, $volume := include "gpu-autoscaler.secrets" . | fromYaml }}
- name: prometheus-{{ $name }}
  {{- toYaml $volume | nindent 2 }}
{{- end }}
{{- with .Values.pod.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Volumes of credentials by their folder. Whole volumes: the kubelet follows changes of these, and not of single files. */}}
{{- define "gpu-autoscaler.secrets" -}}
{{- $found := dict }}
{{- with .Values.prometheus }}
{{- range $name, $secret := dict "token" .bearerToken.secret "basic" .basicAuth.secret "ca" .ca.secret "client" .clientCertificate.secret }}
{{- if $secret }}
{{- $_ := set $found $name (dict "secret" (dict "secretName" $secret "defaultMode" 0o440)) }}
{{- end }}
{{- end }}
{{- if .ca.configMap }}
{{- $_ := set $found "ca" (dict "configMap" (dict "name" .ca.configMap)) }}
{{- end }}
{{- end }}
{{- toYaml $found }}
{{- end }}

{{- define "gpu-autoscaler.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "gpu-autoscaler.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
