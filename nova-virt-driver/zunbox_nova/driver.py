"""Nova's servers as sandboxes of Zunbox: each call is one request to the agent of this host, which does the work."""
import contextlib
import json

import eventlet
from nova import exception, utils
from nova.compute import power_state
import nova.conf
from nova.objects import fields
from nova.virt import driver, hardware
from os_brick.initiator import connector
from oslo_config import cfg
from oslo_log import log as logging

from . import agent, parts

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)
CONF.register_opts([
    cfg.StrOpt('socket', default='/var/lib/zunbox/agent/nova.sock', help='Unix socket of the agent of this host.'),
    cfg.IntOpt('timeout', default=300, min=10, max=3600, help='Seconds that the agent has for one call.'),
    cfg.IntOpt('patience', default=60, min=0, help='Seconds that an agent that is away is waited for in a call that changes something.'),
    cfg.IntOpt('start_patience', default=300, min=0, help='The same when nova-compute starts.'),
], group='zunbox')

STATES = {'running': power_state.RUNNING, 'paused': power_state.PAUSED, 'shutdown': power_state.SHUTDOWN,
          'pending': power_state.NOSTATE}


class ZunboxDriver(driver.ComputeDriver):
    capabilities = dict(driver.ComputeDriver.capabilities, supports_attach_interface=True, supports_image_type_raw=True)

    def __init__(self, virtapi):
        super().__init__(virtapi)
        self._agent = agent.Agent(CONF.zunbox.socket)
        self._host = None

    @property
    def need_legacy_block_device_info(self):
        return False

    def init_host(self, host):
        self._host = self._agent.get('/host', patience=CONF.zunbox.start_patience)
        if self._host['hostname'] != host:
            LOG.warning('the agent calls this host %s, and nova-compute %s: give both one name', self._host['hostname'], host)

    def get_available_nodes(self, refresh=False):
        return [CONF.host]

    def get_host_ip_addr(self):
        return CONF.my_ip

    def get_host_uptime(self):
        with open('/proc/uptime') as f:
            return 'up %d s' % float(f.read().split()[0])

    def _facts(self):
        """A host keeps what it has while its agent restarts."""
        try:
            self._host = self._agent.get('/host')
        except agent.AgentError as e:
            LOG.warning('what this host offers is taken as it was: %s', e.reason)
        return self._host

    def get_available_resource(self, nodename):
        facts = self._facts()
        arch = fields.Architecture.canonicalize(facts['architecture'])
        return {'vcpus': facts['cpus'], 'memory_mb': facts['memoryMib'], 'local_gb': facts['diskGib'],
                'vcpus_used': 0, 'memory_mb_used': 0, 'local_gb_used': 0, 'disk_available_least': facts['diskGib'],
                'hypervisor_type': 'zunbox', 'hypervisor_version': 1, 'hypervisor_hostname': nodename,
                'cpu_info': json.dumps({'arch': arch, 'topology': {'sockets': 1, 'cores': facts['cpus'], 'threads': 1}}),
                'supported_instances': [(arch, fields.HVType.DOCKER, fields.VMMode.EXE)], 'numa_topology': None}

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        facts = self._facts()
        ratios = self._get_allocation_ratios(provider_tree.data(nodename).inventory)
        totals = {'VCPU': (facts['cpus'], CONF.reserved_host_cpus),
                  'MEMORY_MB': (facts['memoryMib'], CONF.reserved_host_memory_mb),
                  'DISK_GB': (facts['diskGib'], self._get_reserved_host_disk_gb_from_config())}
        provider_tree.update_inventory(nodename, {
            name: {'total': total, 'min_unit': 1, 'max_unit': total, 'step_size': 1, 'allocation_ratio': ratios[name],
                   'reserved': reserved}
            for name, (total, reserved) in totals.items() if total > 0})

    def list_instances(self):
        return [server['name'] for server in self._agent.get('/servers', patience=10)['servers']]

    def list_instance_uuids(self):
        return [server['serverId'] for server in self._agent.get('/servers', patience=10)['servers']]

    def get_info(self, instance, use_cache=True):
        try:
            state = self._agent.get('/servers/%s' % instance.uuid, patience=2)['state']
        except agent.AgentError as e:
            # Nobody is to conclude from an agent that restarts that the server is gone, or is shut down.
            LOG.warning('its state is not known: %s', e.reason, instance=instance)
            return hardware.InstanceInfo(state=power_state.NOSTATE)
        if state not in STATES:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return hardware.InstanceInfo(state=STATES[state])

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None,
              block_device_info=None, power_on=True, *_, **__):
        try:
            with self._wired(instance, network_info):
                self._call(instance, 'spawn', server=parts.server(instance), **self._parts(instance, network_info, block_device_info))
        except agent.AgentError as e:
            # What is refused would be refused by every host; what failed here may succeed on another.
            if e.refused:
                raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=e.reason)
            raise exception.NovaException(e.reason)
        if power_on:
            self._do(instance, 'ready')
        else:
            self.power_off(instance)

    def destroy(self, context, instance, network_info, block_device_info=None, *_, **__):
        self._do(instance, 'destroy')
        self.unplug_vifs(instance, network_info)
        for connection in parts.connections(block_device_info):
            try:
                parts.disconnect(connection)
            except Exception:
                LOG.exception('a volume could not be disconnected', instance=instance)

    cleanup = destroy

    def power_on(self, context, instance, network_info, block_device_info=None, *_, **__):
        with self._wired(instance, network_info):
            self._do(instance, 'power-on', failure=exception.InstancePowerOnFailure,
                     **self._parts(instance, network_info, block_device_info))
        self._do(instance, 'ready')

    resume_state_on_host_boot = power_on

    def power_off(self, instance, timeout=0, retry_interval=0):
        grace = int(timeout)
        self._do(instance, 'power-off', failure=exception.InstancePowerOffFailure, timeout=grace or None, longer=grace)

    def reboot(self, context, instance, network_info, reboot_type, block_device_info=None, *_, **__):
        self.power_off(instance, CONF.shutdown_timeout if reboot_type == 'SOFT' else 0)
        self.power_on(context, instance, network_info, block_device_info)

    def pause(self, instance):
        self._do(instance, 'pause')

    def unpause(self, instance):
        self._do(instance, 'unpause')

    def plug_vifs(self, instance, network_info):
        """Asked for every server when nova-compute starts, which no error in here may hinder."""
        try:
            self._call(instance, 'plug', patience=5, ports=[parts.plug(instance, vif) for vif in network_info or ()])
        except Exception as e:
            LOG.warning('its ports could not be told again: %s', e, instance=instance)

    def unplug_vifs(self, instance, network_info):
        for vif in network_info or ():
            try:
                parts.unplug(instance, vif)
            except Exception:
                LOG.exception('unplugging port %s failed', vif['id'], instance=instance)

    def attach_interface(self, context, instance, image_meta, vif):
        try:
            with self._wired(instance, [vif]):
                self._call(instance, 'attach-port', port=parts.plug(instance, vif))
        except (agent.AgentError, exception.NovaException) as e:
            try:
                self.detach_interface(context, instance, vif)
            finally:
                raise exception.InterfaceAttachFailed('Port %s cannot be attached: %s' % (vif['id'], e))

    def detach_interface(self, context, instance, vif):
        self._do(instance, 'detach-port', failure=exception.InterfaceDetachFailed, portId=vif['id'])
        self.unplug_vifs(instance, [vif])

    def get_volume_connector(self, instance):
        try:
            return connector.get_connector_properties(utils.get_root_helper(), CONF.my_block_storage_ip, False, True, host=CONF.host)
        except OSError as e:
            LOG.warning('a tool that some kinds of volumes need is missing: %s', e)
            return {'host': CONF.host, 'ip': CONF.my_block_storage_ip, 'multipath': False}

    def attach_volume(self, context, connection_info, instance, mountpoint, *_, **__):
        volume = parts.connect(connection_info)
        try:
            self._call(instance, 'attach-volume', volume=volume)
        except agent.AgentError as e:
            self.detach_volume(context, connection_info, instance, mountpoint)
            raise exception.VolumeAttachFailed(volume_id=volume['volumeId'], reason=e.reason)

    def detach_volume(self, context, connection_info, instance, mountpoint, *_, **__):
        try:
            self._call(instance, 'detach-volume', volumeId=parts.volume_id(connection_info))
        except agent.AgentError as e:
            if e.status != 404:
                raise exception.DeviceDetachFailed(device=mountpoint, reason=e.reason)
        parts.disconnect(connection_info)

    def _parts(self, instance, network_info, block_device_info):
        return {'ports': [parts.plug(instance, vif) for vif in network_info or ()],
                'volumes': [parts.connect(connection) for connection in parts.connections(block_device_info)]}

    def _call(self, instance, call, patience=None, longer=0, **body):
        self._agent.put(instance.uuid, call, body, CONF.zunbox.timeout + longer,
                        CONF.zunbox.patience if patience is None else patience)

    def _do(self, instance, call, failure=None, **body):
        """A call whose errors Nova shows to the user."""
        try:
            self._call(instance, call, **body)
        except agent.AgentError as e:
            if e.status == 404:
                raise exception.InstanceNotFound(instance_id=instance.uuid)
            raise failure(reason=e.reason, instance_uuid=instance.uuid) if failure else exception.NovaException(e.reason)

    @contextlib.contextmanager
    def _wired(self, instance, network_info):
        """Ends when the network service has wired the ports that were plugged within."""
        waiting = [('network-vif-plugged', vif['id']) for vif in network_info or () if vif.get('active', True) is False]
        try:
            with self.virtapi.wait_for_instance_event(instance, waiting if CONF.vif_plugging_timeout else [],
                                                      deadline=CONF.vif_plugging_timeout, error_callback=self._not_wired):
                yield
        except eventlet.timeout.Timeout:
            self._not_wired('%d ports in %s s' % (len(waiting), CONF.vif_plugging_timeout), instance)

    @staticmethod
    def _not_wired(event, instance):
        LOG.error('the network service has not wired %s', event, instance=instance)
        if CONF.vif_plugging_is_fatal:
            raise exception.VirtualInterfaceCreateException()
        return True
