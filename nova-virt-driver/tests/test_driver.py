"""The driver with a scripted agent, under the Nova of this machine. From this folder's parent: python3 -m unittest."""
import contextlib
import os
import tempfile
import threading
import time
import unittest
from unittest import mock
import uuid

import eventlet
import nova.conf
import nova.virt
from nova import exception
from nova import objects
from nova.compute import power_state
from nova.compute import provider_tree
from nova.network import model
import os_vif
import os_vif.objects

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if ROOT not in nova.virt.__path__:
    nova.virt.__path__.append(ROOT)
from nova.virt import driver as virt_driver  # noqa: E402
from nova.virt.zunbox_nova import driver, parts  # noqa: E402

from .fake_agent import FakeAgent  # noqa: E402

CONF = nova.conf.CONF
HOST = {'hostname': 'compute-1', 'cpus': 4, 'memoryMib': 8000, 'diskGib': 100, 'architecture': 'x86_64'}


def failed(status, message):
    return status, {'error': {'code': 'x', 'message': message}}


class VirtAPI:
    """Of Nova's own, what the driver waits with. `missing` = events that never come."""

    def __init__(self):
        self.waited = []
        self.missing = False

    @contextlib.contextmanager
    def wait_for_instance_event(self, instance, events, deadline=0, error_callback=None):
        yield
        self.waited += events
        if self.missing and events:
            raise eventlet.timeout.Timeout(deadline)


def port(active=False, **fields):
    subnet = model.Subnet(cidr='10.0.0.0/24', gateway=model.IP('10.0.0.1', type='gateway'), dns=[model.IP('10.0.0.2', type='dns')],
                          ips=[model.FixedIP(address='10.0.0.5')],
                          routes=[model.Route(cidr='169.254.169.254/32', gateway=model.IP('10.0.0.3', type='gateway'))])
    six = model.Subnet(cidr='fd00::/64', gateway=None, dns=[], ips=[model.FixedIP(address='fd00::5')], routes=[])
    network = model.Network(id=str(uuid.uuid4()), bridge='brq01234567-89', label='net', subnets=[subnet, six], mtu=1450)
    defaults = {'id': str(uuid.uuid4()), 'address': 'fa:16:3e:00:00:01', 'network': network, 'type': 'bridge',
                'devname': 'tap01234567-89', 'active': active, 'details': {}, 'profile': {}}
    return model.VIF(**{**defaults, **fields})


def server(**fields):
    flavor = objects.Flavor(vcpus=2, memory_mb=512, root_gb=3)
    return objects.Instance(id=1, uuid=str(uuid.uuid4()), display_name='box', hostname='box', project_id='p', user_id='u',
                            metadata={'zunbox_sandbox': 's'}, flavor=flavor, **fields)


def volume():
    return {'driver_volume_type': 'local', 'serial': 'v1', 'data': {'device_path': '/dev/loop7', 'volume_id': 'v1'}}


class DriverTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.agent = FakeAgent(os.path.join(folder.name, 'nova.sock'))
        self.agent.answer('GET /host', (200, HOST))
        self.agent.start()
        self.addCleanup(self.agent.stop)
        CONF([], project='nova', default_config_files=[])
        self.addCleanup(CONF.reset)
        for group, name, value in (('zunbox', 'socket', self.agent.path), ('zunbox', 'patience', 10), ('zunbox', 'start_patience', 10),
                                   (None, 'host', 'compute-1'), (None, 'my_ip', '127.0.0.1')):
            CONF.set_override(name, value, group=group)
            self.addCleanup(CONF.clear_override, name, group=group)
        objects.register_all()
        os_vif.objects.register_all()
        self.plugged, self.unplugged = [], []
        for target, name, value in ((os_vif, 'plug', lambda vif, info: self.plugged.append(vif.vif_name)),
                                    (os_vif, 'unplug', lambda vif, info: self.unplugged.append(vif.vif_name))):
            patch = mock.patch.object(target, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.virtapi = VirtAPI()
        self.driver = driver.ZunboxDriver(self.virtapi)
        self.server = server()
        self.port = port()

    def spawn(self, **fields):
        self.driver.spawn(None, self.server, None, [], None, {}, **{'network_info': [self.port], **fields})

    def away(self, seconds):
        """The agent is gone, and comes back."""
        self.agent.stop()
        timer = threading.Timer(seconds, self.agent.start)
        timer.start()
        self.addCleanup(timer.join)

    # -- this host

    def test_is_loaded_as_nova_does_it(self):
        loaded = virt_driver.load_compute_driver(self.virtapi, 'zunbox_nova.driver.ZunboxDriver')
        self.assertTrue(loaded.capabilities['supports_attach_interface'])
        self.assertFalse(loaded.need_legacy_block_device_info)

    def test_waits_for_the_agent_when_it_starts_and_then_gives_up(self):
        self.away(1)
        self.driver.init_host('compute-1')
        self.agent.stop()
        CONF.set_override('start_patience', 1, group='zunbox')
        with self.assertRaisesRegex(Exception, 'cannot be reached'):
            self.driver.init_host('compute-1')

    def test_resources_are_the_agents_and_stay_while_it_restarts(self):
        self.driver.init_host('compute-1')
        self.agent.stop()
        self.assertEqual(['compute-1'], self.driver.get_available_nodes())
        found = self.driver.get_available_resource('compute-1')
        self.assertEqual((4, 8000, 100), (found['vcpus'], found['memory_mb'], found['local_gb']))
        tree = provider_tree.ProviderTree()
        tree.new_root('compute-1', str(uuid.uuid4()), generation=0)
        self.driver.update_provider_tree(tree, 'compute-1')
        inventory = tree.data('compute-1').inventory
        self.assertEqual({'VCPU': 4, 'MEMORY_MB': 8000, 'DISK_GB': 100}, {name: of['total'] for name, of in inventory.items()})

    def test_lists_what_is_on_the_host(self):
        self.agent.answer('GET /servers', (200, {'servers': [{'serverId': 'a', 'name': 'box', 'sandboxId': 's'}]}))
        self.assertEqual((['a'], ['box']), (self.driver.list_instance_uuids(), self.driver.list_instances()))

    def test_states(self):
        for state, expected in (('running', power_state.RUNNING), ('paused', power_state.PAUSED), ('shutdown', power_state.SHUTDOWN),
                                ('pending', power_state.NOSTATE)):
            self.agent.answer('GET /servers/' + self.server.uuid, (200, {'state': state}))
            self.assertEqual(expected, self.driver.get_info(self.server).state)
        self.agent.answer('GET /servers/' + self.server.uuid, (200, {'state': 'missing'}))
        self.assertRaises(exception.InstanceNotFound, self.driver.get_info, self.server)

    def test_nothing_is_known_while_the_agent_is_away(self):
        self.agent.stop()
        self.assertEqual(power_state.NOSTATE, self.driver.get_info(self.server).state)

    # -- a server

    def test_spawn_tells_all_and_is_ready_when_the_ports_are_wired(self):
        self.spawn(block_device_info={'block_device_mapping': [{'connection_info': volume(), 'mount_device': '/dev/vdb'}]})
        self.assertEqual(['spawn', 'ready'], self.agent.calls())
        self.assertEqual([('network-vif-plugged', self.port['id'])], self.virtapi.waited)
        body = self.agent.body('spawn')
        self.assertEqual({'name': 'box', 'hostname': 'box', 'projectId': 'p', 'userId': 'u', 'metadata': {'zunbox_sandbox': 's'},
                          'vcpus': 2, 'memoryMib': 512, 'diskGib': 3}, body['server'])
        self.assertEqual([{'volumeId': 'v1', 'device': '/dev/loop7', 'readOnly': False}], body['volumes'])
        told = body['ports'][0]
        self.assertEqual((self.port['id'], 'brq01234567-89', 'tap01234567-89', 1450),
                         (told['portId'], told['bridge'], told['device'], told['mtu']))
        self.assertEqual([{'address': '10.0.0.5', 'prefixLength': 24, 'version': 4, 'gateway': '10.0.0.1', 'subnetId': None},
                          {'address': 'fd00::5', 'prefixLength': 64, 'version': 6, 'gateway': None, 'subnetId': None}], told['addresses'])
        self.assertEqual([{'destination': '169.254.169.254/32', 'nexthop': '10.0.0.3'}], told['routes'])
        self.assertEqual(['10.0.0.2'], told['nameservers'])
        self.assertEqual(['tap01234567-89'], self.plugged)

    def test_a_port_that_is_wired_already_is_not_waited_for(self):
        self.port = port(active=True)
        self.spawn()
        self.assertEqual([], self.virtapi.waited)

    def test_a_spawn_that_failed_here_may_be_tried_elsewhere_and_one_that_is_refused_may_not(self):
        self.agent.answer('PUT spawn', failed(500, 'no room'))
        with self.assertRaisesRegex(exception.NovaException, 'no room') as caught:
            self.spawn()
        self.assertNotIsInstance(caught.exception, exception.BuildAbortException)
        self.agent.answer('PUT spawn', failed(409, 'of another project'))
        with self.assertRaisesRegex(exception.BuildAbortException, 'of another project'):
            self.spawn()

    def test_ports_that_are_never_wired_fail_it_before_its_containers_start(self):
        self.virtapi.missing = True
        self.assertRaises(exception.VirtualInterfaceCreateException, self.spawn)
        self.assertEqual(['spawn'], self.agent.calls())

    def test_a_port_of_a_type_that_is_not_supported_is_refused(self):
        self.port = port(type='tap')
        with self.assertRaises(exception.NovaException):
            self.spawn()
        self.assertEqual([], self.agent.calls())

    def test_calls_are_repeated_while_the_agent_restarts(self):
        self.agent.answer('PUT pause', None, failed(503, 'control is away'), (200, {}))
        self.driver.pause(self.server)
        self.assertEqual(['pause'] * 3, self.agent.calls())
        self.away(1)
        self.driver.unpause(self.server)
        self.assertEqual('unpause', self.agent.calls()[-1])

    def test_a_call_that_is_cut_off_after_long_is_repeated_as_well(self):
        CONF.set_override('patience', 1, group='zunbox')
        self.agent.delay = 2.5
        self.agent.answer('PUT pause', None, (200, {}))
        self.driver.pause(self.server)
        self.assertEqual(['pause'] * 2, self.agent.calls())

    def test_an_agent_that_stays_away_is_an_error_in_time(self):
        self.agent.stop()
        CONF.set_override('patience', 1, group='zunbox')
        began = time.monotonic()
        with self.assertRaisesRegex(exception.NovaException, 'cannot be reached'):
            self.driver.pause(self.server)
        self.assertLess(time.monotonic() - began, 20)

    def test_power(self):
        self.driver.power_off(self.server, timeout=7)
        self.assertEqual({'timeout': 7}, self.agent.body('power-off'))
        self.assertIn('timeout=307', self.agent.requests[-1][1])
        self.driver.power_on(None, self.server, [self.port], None, [])
        self.driver.reboot(None, self.server, [self.port], 'HARD', None, None, [])
        self.assertEqual(['power-off', 'power-on', 'ready', 'power-off', 'power-on', 'ready'], self.agent.calls())
        self.assertEqual({'timeout': None}, self.agent.body('power-off'))
        self.driver.resume_state_on_host_boot(None, self.server, [self.port], None)
        self.agent.answer('PUT power-on', failed(500, 'the engine is broken'))
        with self.assertRaisesRegex(exception.InstancePowerOnFailure, 'the engine is broken'):
            self.driver.power_on(None, self.server, [self.port])
        self.agent.answer('PUT power-off', failed(404, 'no such server'))
        self.assertRaises(exception.InstanceNotFound, self.driver.power_off, self.server)

    def test_destroy_takes_away_what_was_plugged_and_connected(self):
        info = {'block_device_mapping': [{'connection_info': volume(), 'mount_device': '/dev/vdb'}]}
        with mock.patch.object(parts, 'disconnect') as disconnect:
            self.driver.destroy(None, self.server, [self.port], info, destroy_disks=True)
            self.driver.cleanup(None, self.server, [self.port], None, migrate_data=None, destroy_vifs=True)
        self.assertEqual((['destroy'] * 2, ['tap01234567-89'] * 2, 1), (self.agent.calls(), self.unplugged, disconnect.call_count))

    def test_nothing_is_disconnected_while_the_agent_still_has_it(self):
        self.agent.answer('PUT destroy', failed(500, 'busy'))
        with mock.patch.object(parts, 'disconnect') as disconnect, self.assertRaises(exception.NovaException):
            self.driver.destroy(None, self.server, [], {'block_device_mapping': [{'connection_info': volume()}]})
        disconnect.assert_not_called()

    # -- its ports and volumes

    def test_plugging_at_the_start_never_fails(self):
        self.driver.plug_vifs(self.server, [self.port])
        self.assertEqual(self.port['id'], self.agent.body('plug')['ports'][0]['portId'])
        self.agent.answer('PUT plug', failed(404, 'no such server'))
        self.driver.plug_vifs(self.server, [self.port])
        with mock.patch.object(os_vif, 'plug', side_effect=RuntimeError('broken')):
            self.driver.plug_vifs(self.server, [self.port])
        with mock.patch.object(os_vif, 'unplug', side_effect=RuntimeError('broken')):
            self.driver.unplug_vifs(self.server, [self.port])

    def test_interfaces(self):
        self.driver.attach_interface(None, self.server, None, self.port)
        self.assertEqual([('network-vif-plugged', self.port['id'])], self.virtapi.waited)
        self.driver.detach_interface(None, self.server, self.port)
        self.assertEqual((['attach-port', 'detach-port'], ['tap01234567-89']), (self.agent.calls(), self.unplugged))

    def test_an_interface_that_cannot_be_attached_is_taken_back(self):
        self.agent.answer('PUT attach-port', failed(500, 'no such bridge'))
        with self.assertRaisesRegex(exception.InterfaceAttachFailed, 'no such bridge'):
            self.driver.attach_interface(None, self.server, None, self.port)
        self.assertEqual(['attach-port', 'detach-port'], self.agent.calls())
        self.agent.answer('PUT detach-port', failed(500, 'busy'))
        self.assertRaises(exception.InterfaceAttachFailed, self.driver.attach_interface, None, self.server, None, self.port)
        self.assertRaises(exception.InterfaceDetachFailed, self.driver.detach_interface, None, self.server, self.port)

    def test_volumes(self):
        self.driver.attach_volume(None, volume(), self.server, '/dev/vdb', disk_bus=None)
        self.assertEqual({'volumeId': 'v1', 'device': '/dev/loop7', 'readOnly': False}, self.agent.body('attach-volume')['volume'])
        with mock.patch.object(parts, 'disconnect') as disconnect:
            self.driver.detach_volume(None, volume(), self.server, '/dev/vdb', encryption=None)
            self.agent.answer('PUT detach-volume', failed(404, 'no such server'))
            self.driver.detach_volume(None, volume(), self.server, '/dev/vdb')
            self.assertEqual(2, disconnect.call_count)
            self.agent.answer('PUT detach-volume', failed(409, 'container web uses it'))
            with self.assertRaisesRegex(exception.DeviceDetachFailed, 'container web uses it'):
                self.driver.detach_volume(None, volume(), self.server, '/dev/vdb')
            self.assertEqual(2, disconnect.call_count)

    def test_a_host_without_the_tools_of_all_kinds_of_volumes_can_use_the_others(self):
        with mock.patch.object(driver.connector, 'get_connector_properties', side_effect=FileNotFoundError('dmidecode')):
            self.assertEqual('compute-1', self.driver.get_volume_connector(self.server)['host'])

    def test_a_volume_that_cannot_be_attached_is_disconnected(self):
        self.agent.answer('PUT attach-volume', failed(500, 'holds something unknown'))
        with mock.patch.object(parts, 'disconnect') as disconnect:
            with self.assertRaisesRegex(exception.VolumeAttachFailed, 'holds something unknown'):
                self.driver.attach_volume(None, volume(), self.server, '/dev/vdb')
        self.assertEqual((1, ['attach-volume', 'detach-volume']), (disconnect.call_count, self.agent.calls()))


if __name__ == '__main__':
    unittest.main()
