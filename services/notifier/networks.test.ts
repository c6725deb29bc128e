import { describe, expect, it } from 'vitest';
import { checkedLookup, checkLiteralHost, isAllowedAddress, parseNetworks, urlFault } from './networks.ts';

describe('addresses', () => {
  it.each([
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
    ['127.0.0.1', false],
    ['127.255.255.254', false],
    ['0.0.0.0', false],
    ['10.0.0.5', false],
    ['172.16.0.1', false],
    ['172.31.255.255', false],
    ['172.32.0.1', true],
    ['192.168.1.1', false],
    ['169.254.169.254', false], // metadata of clouds
    ['100.64.0.1', false], // carrier-grade NAT
    ['100.100.100.200', false], // metadata of another cloud
    ['192.0.0.192', false],
    ['198.18.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['240.0.0.1', false],
    ['::', false],
    ['::1', false],
    ['fe80::1', false],
    ['fe80::1%eth0', false],
    ['fc00::1', false],
    ['fd00:ec2::254', false], // metadata over IPv6
    ['ff02::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:a9fe:a9fe', false],
    ['::ffff:8.8.8.8', true],
    ['::127.0.0.1', false],
    ['64:ff9b::7f00:1', false],
    ['64:ff9b::808:808', true],
    ['2002:7f00:1::', false], // 6to4 of 127.0.0.1
    ['2001:db8::1', false],
    ['localhost', false],
    ['', false],
  ])('%s is reached: %s', (ip, allowed) => {
    expect(isAllowedAddress(ip, [])).toBe(allowed);
  });

  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '10.2.0.0/16, fd00::/8', false],
    ['fd12::1', '10.2.0.0/16, fd00::/8', true],
    ['127.0.0.1', 'fd00::/8', false],
  ])('%s with %s allowed is reached: %s', (ip, networks, allowed) => {
    expect(isAllowedAddress(ip, parseNetworks(networks))).toBe(allowed);
  });

  it.each(['10.0.0.0', '10.0.0.0/33', 'here/8'])('%s is no network', (text) => {
    expect(() => parseNetworks(text)).toThrow();
  });
});

describe('URLs', () => {
  it.each([
    ['https://example.com/hooks', undefined],
    ['http://example.com:8080/', undefined],
    ['https://example.com:22/', 'the port must be 80, 443 or at least 1024'],
    ['http://example.com:25/', 'the port must be 80, 443 or at least 1024'],
    ['ftp://example.com/', 'must begin with https:// or http://'],
    ['file:///etc/passwd', 'must begin with https:// or http://'],
    ['https://user:word@example.com/', 'must hold no user name or password'],
    ['https://user@example.com/', 'must hold no user name or password'],
    ['example.com', 'must be a URL'],
  ])('%s: %s', (url, fault) => {
    expect(urlFault(url)).toBe(fault);
  });

  it.each(['http://127.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/'])(
    '%s is this machine, however it is written',
    (url) => {
      expect(() => checkLiteralHost(new URL(url).hostname, [])).toThrow(
        expect.objectContaining({ code: 'ADDRESS_REFUSED' }),
      );
    },
  );
});

describe('a name', () => {
  const look = (addresses: string[], networks = '') =>
    new Promise((resolve, reject) => {
      const lookup = checkedLookup(async () => addresses, parseNetworks(networks));
      lookup('receiver.example', { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
    });

  it('is connected to at the addresses that were looked at', async () => {
    expect(await look(['8.8.8.8', '2606:4700::1111'])).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
  });

  it('is refused when one of its addresses is', async () => {
    await expect(look(['8.8.8.8', '10.0.0.1'])).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    expect(await look(['8.8.8.8', '10.0.0.1'], '10.0.0.0/8')).toHaveLength(2);
  });

  it('is refused without any', async () => {
    await expect(look([])).rejects.toThrow('no address');
  });
});
