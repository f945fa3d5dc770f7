/**
 * The fields of the kinds that are served, after the OpenAPI schema of Kubernetes 1.35, as far as poolkeeper meets them. After a
 * field's name stands its type. Nothing: string; `#` number; `?` boolean; `*` anything, merged field by field; `:T` struct T; `=T`
 * struct T that is replaced as a whole; `{}` map of strings (`{}*` of anything), `={}` the same, replaced as a whole; `[]` list that
 * is replaced as a whole; `[v]` set; `[a,b]:T` list whose items are told apart by their fields a and b; a final `!` marks what is
 * always there, also when nobody wrote it.
 */
export const schemaTable: Readonly<Record<string, string>> = {
  Affinity: 'nodeAffinity:NodeAffinity podAffinity* podAntiAffinity*',
  ConfigMap: 'apiVersion binaryData{} data{} immutable? kind metadata:ObjectMeta!',
  Container:
    'args[] command[] env[name]:EnvVar envFrom[]* image imagePullPolicy lifecycle* livenessProbe* name ' +
    'ports[containerPort,protocol]:ContainerPort readinessProbe* resizePolicy[]* resources:ResourceRequirements! restartPolicy ' +
    'restartPolicyRules[]* securityContext* startupProbe* stdin? stdinOnce? terminationMessagePath terminationMessagePolicy tty? ' +
    'volumeDevices[devicePath]* volumeMounts[mountPath]* workingDir',
  ContainerPort: 'containerPort# hostIP hostPort# name protocol',
  Deployment: 'apiVersion kind metadata:ObjectMeta! spec:DeploymentSpec! status:DeploymentStatus!',
  DeploymentSpec:
    'minReadySeconds# paused? progressDeadlineSeconds# replicas# revisionHistoryLimit# selector={}* strategy*! template:PodTemplateSpec!',
  DeploymentStatus:
    'availableReplicas# collisionCount# conditions[type]* observedGeneration# readyReplicas# replicas# terminatingReplicas# ' +
    'unavailableReplicas# updatedReplicas#',
  EndpointSlice: 'addressType apiVersion endpoints[]* kind metadata:ObjectMeta! ports[]*',
  EnvVar: 'name value valueFrom:EnvVarSource',
  EnvVarSource: 'configMapKeyRef={}* fieldRef={}* fileKeyRef={}* resourceFieldRef={}* secretKeyRef={}*',
  Lease: 'apiVersion kind metadata:ObjectMeta! spec*!',
  LocalObjectReference: 'name',
  Namespace: 'apiVersion kind metadata:ObjectMeta! spec*! status*!',
  Node: 'apiVersion kind metadata:ObjectMeta! spec*! status*!',
  NodeAffinity: 'preferredDuringSchedulingIgnoredDuringExecution[]* requiredDuringSchedulingIgnoredDuringExecution={}*',
  ObjectMeta:
    'annotations{} creationTimestamp* deletionGracePeriodSeconds# deletionTimestamp* finalizers[v] generateName generation# ' +
    'labels{} managedFields[]* name namespace ownerReferences[uid]=OwnerReference resourceVersion selfLink uid',
  OwnerReference: 'apiVersion blockOwnerDeletion? controller? kind name uid',
  Pod: 'apiVersion kind metadata:ObjectMeta! spec:PodSpec! status*!',
  PodSpec:
    'activeDeadlineSeconds# affinity:Affinity automountServiceAccountToken? containers[name]:Container! dnsConfig* dnsPolicy ' +
    'enableServiceLinks? ephemeralContainers[name]* hostAliases[ip]* hostIPC? hostNetwork? hostPID? hostUsers? hostname ' +
    'hostnameOverride imagePullSecrets[name]=LocalObjectReference initContainers[name]:Container nodeName nodeSelector={} os* ' +
    'overhead{}* preemptionPolicy priority# priorityClassName readinessGates[]* resourceClaims[name]* ' +
    'resources:ResourceRequirements restartPolicy runtimeClassName schedulerName schedulingGates[name]* securityContext* ' +
    'serviceAccount serviceAccountName setHostnameAsFQDN? shareProcessNamespace? subdomain terminationGracePeriodSeconds# ' +
    'tolerations[]* topologySpreadConstraints[topologyKey,whenUnsatisfiable]* volumes[name]* workloadRef*',
  PodTemplateSpec: 'metadata:ObjectMeta! spec:PodSpec!',
  ResourceRequirements: 'claims[name]* limits{}* requests{}*',
  Secret: 'apiVersion data{} immutable? kind metadata:ObjectMeta! stringData{} type',
  Service: 'apiVersion kind metadata:ObjectMeta! spec:ServiceSpec! status*!',
  ServicePort: 'appProtocol name nodePort# port# protocol targetPort*',
  ServiceSpec:
    'allocateLoadBalancerNodePorts? clusterIP clusterIPs[] externalIPs[] externalName externalTrafficPolicy healthCheckNodePort# ' +
    'internalTrafficPolicy ipFamilies[] ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges[] ' +
    'ports[port,protocol]:ServicePort publishNotReadyAddresses? selector={} sessionAffinity sessionAffinityConfig* ' +
    'trafficDistribution type',
};
