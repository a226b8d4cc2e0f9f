{{/* What a schema cannot say in words that help: all of it at once. */}}
{{- define "gpu-autoscaler.checks" -}}
{{- $wrong := list }}
{{- with .Values.image }}
{{- if not .repository }}
{{- $wrong = append $wrong "image.repository is not set: build the image from the Dockerfile, push it, and name it, as in --set image.repository=registry.example.com/gpu-autoscaler" }}
{{- end }}
{{- end }}
{{- with .Values.prometheus }}
{{- if not .url }}
{{- $wrong = append $wrong "prometheus.url is not set: write the address of the Prometheus API without /api/v1, as in --set prometheus.url=http://prometheus-operated.monitoring:9090" }}
{{- else if not (regexMatch "^https?://[^/@?#]+(/[^@?#]*)?$" .url) }}
{{- $wrong = append $wrong (printf "prometheus.url %q is no address: write http://HOST:PORT or https://HOST; a password goes into prometheus.basicAuth" .url) }}
{{- end }}
{{- if and .bearerToken.secret .basicAuth.secret }}
{{- $wrong = append $wrong "prometheus.bearerToken.secret and prometheus.basicAuth.secret are both set: keep one, a request has one Authorization header" }}
{{- end }}
{{- if and .ca.secret .ca.configMap }}
{{- $wrong = append $wrong "prometheus.ca.secret and prometheus.ca.configMap are both set: keep one" }}
{{- end }}
{{- end }}
{{- if and .Values.policies.files .Values.policies.existingConfigMap }}
{{- $wrong = append $wrong "policies.files and policies.existingConfigMap are both set: keep one, or put the files into that ConfigMap" }}
{{- end }}
{{- with .Values.placeholders.priorityClass }}
{{- if and (not .create) (not .name) }}
{{- $wrong = append $wrong "placeholders.priorityClass.create is false and its name is empty: name a PriorityClass of value -10 with preemptionPolicy Never" }}
{{- end }}
{{- end }}
{{- $durations := omit .Values.settings "leaseSeconds" "logFormat" }}
{{- range $name, $value := $durations }}
{{- if not (regexMatch "^([0-9]+([.][0-9]+)?(ms|s|m|h|d))+$" $value) }}
{{- $wrong = append $wrong (printf "settings.%s %q is no duration: write a number and s, m, h or d, such as 15s" $name $value) }}
{{- end }}
{{- end }}
{{- if .Values.agent.enabled }}
{{- $wrong = concat $wrong (include "gpu-autoscaler.agentChecks" . | fromJsonArray) }}
{{- end }}
{{- if $wrong }}
{{- printf "\n\nthese values need a change:\n- %s\n" (join "\n- " $wrong) | fail }}
{{- end }}
{{- end }}

{{/* Those of the node agent, as a JSON array. */}}
{{- define "gpu-autoscaler.agentChecks" -}}
{{- $wrong := list }}
{{- $space := include "gpu-autoscaler.agentNamespace" . }}
{{- $own := eq $space .Release.Namespace }}
{{- $level := dig "metadata" "labels" "pod-security.kubernetes.io/enforce" "" (lookup "v1" "Namespace" "" $space) }}
{{- if and $own .Values.namespace.create }}
{{- $level = .Values.namespace.podSecurity }}
{{- end }}
{{- with .Values.agent }}
{{- if and $own .namespace.create }}
{{- $wrong = append $wrong "agent.namespace.create is true, and agent.namespace.name is not that of another namespace: name one, as in --set agent.namespace.name=gpu-agents; namespace.create is for the release's own" }}
{{- else if and (has $level (list "restricted" "baseline")) (not .namespace.create) }}
{{- $wrong = append $wrong (printf "agent.enabled is true, and namespace %s enforces Pod Security %s, which refuses hostPID and hostPath: give the agent a namespace of its own, as in --set agent.namespace.name=gpu-agents,agent.namespace.create=true" $space $level) }}
{{- end }}
{{- with .driver }}
{{- if and .library (not (regexMatch "^/.+/libnvidia-ml[.]so([.][0-9]+)*$" .library)) }}
{{- $wrong = append $wrong (printf "agent.driver.library %q is not the driver's library: write its path on the node, such as /home/kubernetes/bin/nvidia/lib64/libnvidia-ml.so.1" .library) }}
{{- end }}
{{- if and .library (not .privileged) }}
{{- $wrong = append $wrong "agent.driver.library is set and agent.driver.privileged is not: without NVIDIA's runtime the kernel opens GPU devices to privileged containers alone; set both, or neither" }}
{{- else if and .privileged (not .library) }}
{{- $wrong = append $wrong "agent.driver.privileged is set without agent.driver.library: with NVIDIA's runtime the agent needs no privileged container; set both, or neither" }}
{{- end }}
{{- end }}
{{- if and .driver.library .runtimeClassName }}
{{- $wrong = append $wrong "agent.driver.library and agent.runtimeClassName are both set: keep one, the driver comes from the node's file or from the runtime" }}
{{- end }}
{{- $sampled_ms := 0.0 }}
{{- if regexMatch "^[0-9]+([.][0-9]+)?(ms|s)$" .sampleEvery }}
{{- $sampled_ms = mulf (regexFind "^[0-9.]+" .sampleEvery) (ternary 1 1000 (hasSuffix "ms" .sampleEvery)) }}
{{- end }}
{{- if or (lt $sampled_ms 100.0) (gt $sampled_ms 60000.0) }}
{{- $wrong = append $wrong (printf "agent.sampleEvery %q is no time from 100ms to 60s: write a number and ms or s, such as 1s" .sampleEvery) }}
{{- end }}
{{- if and (not .serviceAccount.create) (not .serviceAccount.name) }}
{{- $wrong = append $wrong "agent.serviceAccount.create is false and its name is empty: name a ServiceAccount without permissions" }}
{{- end }}
{{- end }}
{{- if and .Values.agent.scrapeAnnotations .Values.monitoring.podMonitor.enabled }}
{{- $wrong = append $wrong "agent.scrapeAnnotations and monitoring.podMonitor.enabled are both true: keep one, or the same series are stored twice" }}
{{- end }}
{{- toJson $wrong }}
{{- end }}
