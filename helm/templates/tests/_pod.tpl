{{/* The pod of a test, without its containers: (list $ name). */}}
{{- define "gpu-autoscaler.testPod" -}}
{{- $root := index . 0 }}
{{- $hooks := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" }}
apiVersion: v1
kind: Pod
metadata:
  {{- include "gpu-autoscaler.metadata" (list $root (printf "%s-%s" (include "gpu-autoscaler.fullname" $root) (index . 1)) $root.Release.Namespace (dict "app.kubernetes.io/component" "test") $hooks) | nindent 2 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ include "gpu-autoscaler.serviceAccount" $root }}
  enableServiceLinks: false
  securityContext:
    {{- include "gpu-autoscaler.podSecurity" $root | nindent 4 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.pod.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.pod.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
