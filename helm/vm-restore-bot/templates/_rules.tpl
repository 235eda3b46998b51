{{- /* Exactly what the bot calls in a namespace with VMs; bot/cluster/rights.py has the list. */}}
{{- define "bot.rules" -}}
- apiGroups: [kubevirt.io]
  resources: [virtualmachines]
  verbs: [get, list]
# delete: a guest object that has finished and stands in the way of a restore
# list, also of pods: who uses a claim, before it may be called free to be deleted
- apiGroups: [kubevirt.io]
  resources: [virtualmachineinstances]
  verbs: [get, list, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [subresources.kubevirt.io]
  resources: [virtualmachines/start, virtualmachines/stop]
  verbs: [update]
# create: the snapshot of the current state, where somebody asks for it
- apiGroups: [snapshot.kubevirt.io]
  resources: [virtualmachinesnapshots]
  verbs: [get, list, create]
- apiGroups: [snapshot.kubevirt.io]
  resources: [virtualmachinesnapshotcontents]
  verbs: [get, list]
# delete: our own failed restore, which would block every other
- apiGroups: [snapshot.kubevirt.io]
  resources: [virtualmachinerestores]
  verbs: [get, list, watch, create, delete]
# the copies of the disks, behind a snapshot that says it is ready
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshots]
  verbs: [get, list]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list]
- apiGroups: [""]
  resources: [resourcequotas]
  verbs: [list]
# on the VM: its restore has begun, its restore has ended
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- if .Values.rbac.diagnosis }}
# Read only when a restore stands still or has failed, or when somebody asks why. What may not be read
# is named on the card, and changes nothing else.
- apiGroups: [""]
  resources: [events, limitranges]
  verbs: [list]
- apiGroups: [cdi.kubevirt.io]
  resources: [datavolumes]
  verbs: [get]
{{- end }}
{{- end }}
