{{/* The node agent: its names, and what of it differs by where the driver comes from. */}}

{{- define "gpu-autoscaler.agent" -}}
{{- printf "%s-agent" (include "gpu-autoscaler.fullname" .) }}
{{- end }}

{{- define "gpu-autoscaler.agentNamespace" -}}
{{- .Values.agent.namespace.name | default .Release.Namespace }}
{{- end }}

{{- define "gpu-autoscaler.agentServiceAccount" -}}
{{- .Values.agent.serviceAccount.name | default (ternary (include "gpu-autoscaler.agent" .) "default" .Values.agent.serviceAccount.create) }}
{{- end }}

{{- define "gpu-autoscaler.agentSelector" -}}
app.kubernetes.io/name: {{ include "gpu-autoscaler.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end }}

{{/* Of its pods; what the site says goes before what we would have a Prometheus without an operator read. */}}
{{- define "gpu-autoscaler.agentAnnotations" -}}
{{- $scraped := dict }}
{{- if .Values.agent.scrapeAnnotations }}
{{- $scraped = dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" "prometheus.io/port" (.Values.agent.port | toString) }}
{{- end }}
{{- merge (dict "kubectl.kubernetes.io/default-container" "agent") .Values.agent.annotations $scraped .Values.commonAnnotations | toYaml }}
{{- end }}

{{/* Of its container: root, as the kubelet's socket is root's, without what root may do. */}}
{{- define "gpu-autoscaler.agentSecurity" -}}
{{- if .Values.agent.driver.privileged -}}
privileged: true
readOnlyRootFilesystem: true
{{- else }}
{{- include "gpu-autoscaler.containerSecurity" . }}
{{- with .Values.agent.capabilities }}
  add: {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}
