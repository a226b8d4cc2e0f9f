{{/* Names and labels. */}}

{{- define "gpu-autoscaler.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Of all objects; short enough for what is added to it. */}}
{{- define "gpu-autoscaler.fullname" -}}
{{- $name := include "gpu-autoscaler.name" . }}
{{- $made := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $made | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Of objects without a namespace: two releases of one name in two namespaces must not meet. */}}
{{- define "gpu-autoscaler.clusterName" -}}
{{- $full := include "gpu-autoscaler.fullname" . }}
{{- ternary $full (printf "%s-%s" $full .Release.Namespace) (eq $full .Release.Namespace) | trunc 100 | trimSuffix "-" }}
{{- end }}

{{- define "gpu-autoscaler.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "gpu-autoscaler.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "gpu-autoscaler.priorityClass" -}}
{{- .Values.placeholders.priorityClass.name | default (printf "%s-placeholder" (include "gpu-autoscaler.clusterName" .)) }}
{{- end }}

{{- define "gpu-autoscaler.policies" -}}
{{- .Values.policies.existingConfigMap | default (printf "%s-policies" (include "gpu-autoscaler.fullname" .)) }}
{{- end }}

{{- define "gpu-autoscaler.image" -}}
{{- $version := ternary (printf "@%s" .Values.image.digest) (printf ":%s" (.Values.image.tag | default .Chart.AppVersion)) (ne .Values.image.digest "") }}
{{- printf "%s%s" .Values.image.repository $version }}
{{- end }}

{{- define "gpu-autoscaler.selector" -}}
app.kubernetes.io/name: {{ include "gpu-autoscaler.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{/* A YAML mapping; what is ours goes before what the values add. */}}
{{- define "gpu-autoscaler.labels" -}}
{{- $ours := dict
  "app.kubernetes.io/name" (include "gpu-autoscaler.name" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") }}
{{- merge $ours .Values.commonLabels | toYaml }}
{{- end }}

{{/* The metadata of an object: (list $ name namespace labels annotations), an empty namespace for kinds without. */}}
{{- define "gpu-autoscaler.metadata" -}}
{{- $root := index . 0 }}
{{- $labels := merge (include "gpu-autoscaler.labels" $root | fromYaml) (index . 3) }}
{{- $annotations := merge (deepCopy (index . 4)) $root.Values.commonAnnotations -}}
name: {{ index . 1 }}
{{- with index . 2 }}
namespace: {{ . }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
