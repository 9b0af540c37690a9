"""What Nova says of a server, its ports and its volumes, in the agent's words."""
import ipaddress

from nova import exception, utils
from nova.network import os_vif_util
from nova.virt import block_device, driver
from os_brick.initiator import connector
import os_vif
from os_vif.objects import vif as vif_types


def server(instance):
    return {'name': instance.display_name or instance.name, 'hostname': instance.hostname or instance.name,
            'projectId': instance.project_id, 'userId': instance.user_id, 'metadata': dict(instance.metadata),
            'vcpus': instance.flavor.vcpus, 'memoryMib': instance.flavor.memory_mb, 'diskGib': instance.flavor.root_gb}


def plug(instance, vif):
    """Makes what the network service wants to be there first, such as the bridge, and says what goes into it."""
    wanted = os_vif_util.nova_to_osvif_vif(vif)
    if not isinstance(wanted, (vif_types.VIFBridge, vif_types.VIFOpenVSwitch)):
        raise exception.VirtualInterfacePlugException('ports of type %s are not supported' % vif['type'])
    os_vif.plug(wanted, os_vif_util.nova_to_osvif_instance(instance))
    net = vif['network']
    bridge = wanted.bridge_name if wanted.obj_attr_is_set('bridge_name') else net['bridge']
    return {'portId': vif['id'], 'networkId': net['id'], 'macAddress': vif['address'], 'mtu': net.get_meta('mtu') or 1500,
            'bridge': bridge, 'device': wanted.vif_name,
            'addresses': [_address(subnet, ip) for subnet in net['subnets'] for ip in subnet['ips']],
            'routes': [{'destination': route['cidr'], 'nexthop': route['gateway']['address']}
                       for subnet in net['subnets'] for route in subnet['routes']],
            'nameservers': [dns['address'] for subnet in net['subnets'] for dns in subnet['dns']]}


def unplug(instance, vif):
    wanted = os_vif_util.nova_to_osvif_vif(vif)
    if wanted is not None:
        os_vif.unplug(wanted, os_vif_util.nova_to_osvif_instance(instance))


def _address(subnet, ip):
    gateway = subnet['gateway'] and subnet['gateway']['address']
    return {'address': ip['address'], 'prefixLength': ipaddress.ip_network(subnet['cidr'], strict=False).prefixlen,
            'version': ip['version'], 'gateway': gateway or None, 'subnetId': None}


def connections(block_device_info):
    return [mapping['connection_info'] for mapping in driver.block_device_info_get_mapping(block_device_info)
            if mapping.get('connection_info')]


def connect(connection_info):
    """Has the volume's device on this host, and says which it is."""
    data = connection_info['data']
    device = _connector(connection_info).connect_volume(data)
    data['device_path'] = device['path']
    return {'volumeId': volume_id(connection_info), 'device': str(device['path']), 'readOnly': data.get('access_mode') == 'ro'}


def disconnect(connection_info):
    _connector(connection_info).disconnect_volume(connection_info['data'], None)


def volume_id(connection_info):
    return block_device.get_volume_id(connection_info)


def _connector(connection_info):
    return connector.InitiatorConnector.factory(connection_info['driver_volume_type'], utils.get_root_helper(),
                                                conn=connection_info)
