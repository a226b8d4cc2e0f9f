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
{{- if $wrong }}
{{- printf "\n\nthese values need a change:\n- %s\n" (join "\n- " $wrong) | fail }}
{{- end }}
{{- end }}
